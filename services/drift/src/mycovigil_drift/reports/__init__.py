"""Drift reports: one verdict a model and window, and requests for one now."""
