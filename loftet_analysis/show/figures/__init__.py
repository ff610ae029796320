"""Figures from gated, tidy frames: they place marks and compute nothing.

Every function on axes takes a frame and ``*, words, ax=None`` and returns the axes. A figure of
several panels comes with its caption and its alt text. No mark stands for one person.
"""

from loftet_analysis.show.figures.answers import distribution, distribution_figure
from loftet_analysis.show.figures.attendance import attendance_figure
from loftet_analysis.show.figures.canvas import WIDTH, Drawing, saved
from loftet_analysis.show.figures.changes import change, change_figure, forest, forest_figure
from loftet_analysis.show.figures.dots import dots_figure
from loftet_analysis.show.figures.estimation import estimation_figure
from loftet_analysis.show.figures.fieldwork import arrivals_figure, flow_figure
from loftet_analysis.show.figures.likert import likert_figure
from loftet_analysis.show.figures.schools import schools_figure

__all__ = [
    "WIDTH",
    "Drawing",
    "arrivals_figure",
    "attendance_figure",
    "change",
    "change_figure",
    "distribution",
    "distribution_figure",
    "dots_figure",
    "estimation_figure",
    "flow_figure",
    "forest",
    "forest_figure",
    "likert_figure",
    "saved",
    "schools_figure",
]
