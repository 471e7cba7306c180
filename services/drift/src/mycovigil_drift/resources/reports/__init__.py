"""Drift reports: one verdict per model and window."""
