"""Pseudonyms instead of ids, and the decision which cells may be shown."""
