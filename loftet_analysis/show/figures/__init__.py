"""Figures from gated, tidy frames: they place marks and compute nothing.

Every figure is ``name(frame, *, words, **others)`` and returns a `Drawing`: the figure, its
caption and its alt text. Those that have a parameter ``ax`` also draw a single panel on axes and
return these. Nothing is saved but by `saved`, and no mark stands for one person.
"""

from loftet_analysis.show.figures.answers import attendance, distribution, dots
from loftet_analysis.show.figures.canvas import STYLE, WIDTH, Drawing, saved, saved_for_phone
from loftet_analysis.show.figures.chain import binned_scatter, chain
from loftet_analysis.show.figures.changes import change, estimation, forest, regions, schools
from loftet_analysis.show.figures.course import course
from loftet_analysis.show.figures.fieldwork import arrivals, flow
from loftet_analysis.show.figures.levels import levels
from loftet_analysis.show.figures.likert import likert
from loftet_analysis.show.figures.planning import mdes, power
from loftet_analysis.show.figures.summary import summary

__all__ = [
    "STYLE",
    "WIDTH",
    "Drawing",
    "arrivals",
    "attendance",
    "binned_scatter",
    "chain",
    "change",
    "course",
    "distribution",
    "dots",
    "estimation",
    "flow",
    "forest",
    "levels",
    "likert",
    "mdes",
    "power",
    "regions",
    "saved",
    "saved_for_phone",
    "schools",
    "summary",
]
