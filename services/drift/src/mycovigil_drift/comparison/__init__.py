"""Two nights, or two reference sets, side by side."""
