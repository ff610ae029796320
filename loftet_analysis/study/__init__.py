"""A study as data: study.yml, the school register and the instruments, read and checked whole."""

from loftet_analysis.study.instrument import (
    Instrument,
    Item,
    ResponseSet,
    Scale,
    load_instrument,
    normalise_label,
)
from loftet_analysis.study.load import (
    load_study,
    missing_exports,
    missing_register,
    repeated_exports,
    unnamed_exports,
)
from loftet_analysis.study.phases import (
    CLOSED,
    OPEN,
    TO_COME,
    closed_part,
    furthest,
    in_waves,
    wave_states,
    waves_in,
)
from loftet_analysis.study.plan import main_changes, main_estimands, plan
from loftet_analysis.study.study import (
    Analysis,
    Attendance,
    Consent,
    ExportFile,
    Link,
    Population,
    Study,
    Wave,
)

__all__ = [
    "CLOSED",
    "OPEN",
    "TO_COME",
    "Analysis",
    "Attendance",
    "Consent",
    "ExportFile",
    "Instrument",
    "Item",
    "Link",
    "Population",
    "ResponseSet",
    "Scale",
    "Study",
    "Wave",
    "closed_part",
    "furthest",
    "in_waves",
    "load_instrument",
    "load_study",
    "main_changes",
    "main_estimands",
    "missing_exports",
    "missing_register",
    "normalise_label",
    "plan",
    "repeated_exports",
    "unnamed_exports",
    "wave_states",
    "waves_in",
]
