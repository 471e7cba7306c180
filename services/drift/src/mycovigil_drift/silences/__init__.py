"""Silences: stretches of time in which no alert goes out."""
