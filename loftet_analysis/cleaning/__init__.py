"""Read, quarantine, clean, link, score and settle: from exports to clean data."""
