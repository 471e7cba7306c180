"""Comparisons that a person asked for: of two stretches of days, or of two reference sets."""
