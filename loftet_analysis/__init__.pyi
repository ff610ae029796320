"""The public names with their types; ``__init__.py`` loads them at first use."""

from loftet_analysis import stats as stats
from loftet_analysis.analysis.agreement import agreement as agreement
from loftet_analysis.analysis.course import course as course
from loftet_analysis.analysis.estimates import cohort_change as cohort_change
from loftet_analysis.analysis.estimates import dose as dose
from loftet_analysis.analysis.estimates import equity as equity
from loftet_analysis.analysis.estimates import estimates as estimates
from loftet_analysis.analysis.estimates import level as level
from loftet_analysis.analysis.estimates import linked_change as linked_change
from loftet_analysis.analysis.estimates import pairs as pairs
from loftet_analysis.analysis.estimates import (
    participants_vs_colleagues as participants_vs_colleagues,
)
from loftet_analysis.analysis.estimates import programme_vs_comparison as programme_vs_comparison
from loftet_analysis.analysis.estimates import same_grade as same_grade
from loftet_analysis.analysis.estimates import school_change as school_change
from loftet_analysis.analysis.planning import assumptions as assumptions
from loftet_analysis.analysis.planning import foreseen as foreseen
from loftet_analysis.analysis.planning import planned as planned
from loftet_analysis.analysis.reliability import items as items
from loftet_analysis.analysis.reliability import reliability as reliability
from loftet_analysis.analysis.response import arrivals as arrivals
from loftet_analysis.analysis.response import attrition as attrition
from loftet_analysis.analysis.response import careless_signs as careless_signs
from loftet_analysis.analysis.response import missing_answers as missing_answers
from loftet_analysis.analysis.school_effects import school_effects as school_effects
from loftet_analysis.analysis.school_link import school_link as school_link
from loftet_analysis.analysis.sensitivity import sensitivity as sensitivity
from loftet_analysis.analysis.synthesis import pool as pool
from loftet_analysis.analysis.variance import variance as variance
from loftet_analysis.analysis.verdicts import verdicts as verdicts
from loftet_analysis.batch.start import start as start
from loftet_analysis.cleaning import chain as chain
from loftet_analysis.disclosure.histograms import attendance_histogram as attendance_histogram
from loftet_analysis.disclosure.histograms import histogram as histogram
from loftet_analysis.disclosure.histograms import item_histogram as item_histogram
from loftet_analysis.show import figures as figures
from loftet_analysis.show import sentences as sentences
from loftet_analysis.show import tables as tables
from loftet_analysis.show.explore import explorer as explorer
from loftet_analysis.show.glossary import describe as describe
from loftet_analysis.show.sentences import answer as answer
from loftet_analysis.show.sentences import heading as heading
from loftet_analysis.show.session import gate as gate
from loftet_analysis.show.session import open_study as open_study

__version__: str
__all__: list[str]
