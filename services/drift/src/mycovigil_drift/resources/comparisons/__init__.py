"""Comparisons of two nights or of two reference sets."""
