"""Figures from gated, tidy frames: they place marks and compute nothing.

Every function on axes takes a frame and ``*, words, ax=None`` and returns the axes. A figure of
several panels comes with its caption and its alt text. No mark stands for one person.
"""

from loftet_analysis.report.plots.answers import distribution, distribution_figure
from loftet_analysis.report.plots.canvas import WIDTH, Drawing, saved
from loftet_analysis.report.plots.changes import change, change_figure, forest, forest_figure

__all__ = [
    "WIDTH",
    "Drawing",
    "change",
    "change_figure",
    "distribution",
    "distribution_figure",
    "forest",
    "forest_figure",
    "saved",
]
