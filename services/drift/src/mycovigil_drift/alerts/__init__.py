"""Alerts: what was told to the world about an incident."""
