"""Incidents, alerts, and what they do to a certificate."""
