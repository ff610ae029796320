"""From exact results through the gate to tables, figures, sentences and pages."""

from loftet_analysis.show.session import OpenStudy, open_study

__all__ = ["OpenStudy", "open_study"]
