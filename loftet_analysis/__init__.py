"""Survey research on Matematikkløftet: raw exports to clean data, effects, figures and pages."""

__version__ = "0.1.0"
