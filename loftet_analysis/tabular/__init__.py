"""Tables as people and survey tools save them: delimited text and workbooks, every cell as text.

The floor below studies and cleaning: the register of schools is read with it as well as exports,
registers of attendance and lists.
"""

from loftet_analysis.tabular.export import Export
from loftet_analysis.tabular.small import headings_told, read_table

__all__ = ["Export", "headings_told", "read_table"]
