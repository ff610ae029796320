"""Floor 5: the batch over regions and notebooks, and the command line."""
