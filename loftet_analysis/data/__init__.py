"""Exports to clean data: read, clean, link, score, settle."""
