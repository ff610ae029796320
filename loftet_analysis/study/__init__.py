"""A study as data: study.yml, the school register and the instruments, read and checked whole."""

from loftet_analysis.study.instrument import (
    Instrument,
    Item,
    ResponseSet,
    Scale,
    load_instrument,
    normalise_label,
)
from loftet_analysis.study.load import load_study, missing_exports, missing_register
from loftet_analysis.study.phases import (
    CLOSED,
    OPEN,
    TO_COME,
    closed_part,
    furthest,
    wave_states,
)
from loftet_analysis.study.plan import main_changes, main_estimands, plan
from loftet_analysis.study.study import ExportFile, Link, Population, Study

__all__ = [
    "CLOSED",
    "OPEN",
    "TO_COME",
    "ExportFile",
    "Instrument",
    "Item",
    "Link",
    "Population",
    "ResponseSet",
    "Scale",
    "Study",
    "closed_part",
    "furthest",
    "load_instrument",
    "load_study",
    "main_changes",
    "main_estimands",
    "missing_exports",
    "missing_register",
    "normalise_label",
    "plan",
    "wave_states",
]
