"""Commands of the shared room; other rooms add theirs by entry point."""
