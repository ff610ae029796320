"""Pairs and cells, changes, verdicts, sensitivity, measurement, schools, response."""
