"""Which cells may be shown, and answers in bins that hold enough people."""
