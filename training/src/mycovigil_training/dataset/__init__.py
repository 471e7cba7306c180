"""Photos on disk: fetched, curated once, described, and read back."""
