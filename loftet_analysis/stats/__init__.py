"""Floor 3: effects with clustered inference, reliability, units and synthesis."""
