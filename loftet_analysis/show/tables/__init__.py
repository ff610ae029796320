"""Tables from gated frames: every cell is text already, great_tables only lays them out."""

from loftet_analysis.show.tables.changes import (
    agreement_table,
    effects_table,
    pooled_table,
    regions_table,
    sensitivity_table,
    spread_table,
    visible_table,
)
from loftet_analysis.show.tables.fieldwork import (
    careless_table,
    differences_table,
    groups_table,
    linkage_table,
    missing_table,
    response_table,
    schools_table,
)
from loftet_analysis.show.tables.layout import HIDDEN, Table
from loftet_analysis.show.tables.measurement import (
    invariance_table,
    items_table,
    lights_table,
    reliability_table,
    wordings_table,
)

__all__ = [
    "HIDDEN",
    "Table",
    "agreement_table",
    "careless_table",
    "differences_table",
    "effects_table",
    "groups_table",
    "invariance_table",
    "items_table",
    "lights_table",
    "linkage_table",
    "missing_table",
    "pooled_table",
    "regions_table",
    "reliability_table",
    "response_table",
    "schools_table",
    "sensitivity_table",
    "spread_table",
    "visible_table",
    "wordings_table",
]
