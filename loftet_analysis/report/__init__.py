"""Floor 4: from exact results through one gate to tables, figures, sentences and pages."""

from loftet_analysis.report.book import OpenStudy, open_study

__all__ = ["OpenStudy", "open_study"]
