"""Kept photos, by digest."""
