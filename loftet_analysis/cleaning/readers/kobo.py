"""KoboToolbox and ODK: questions below groups, as ``group/question``."""

from __future__ import annotations

from collections import Counter

from loftet_analysis.tabular.export import Export


def adapted(export: Export) -> Export:
    """Name a column by its question alone, where no other has that name."""
    last = {column: column.rpartition("/")[2].strip() for column in export.frame}
    uses = Counter(last.values())
    columns = {
        column: name if name and uses[name] == 1 and name not in export.frame else column
        for column, name in last.items()
    }
    return export.renamed(columns)
