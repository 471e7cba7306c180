"""Incidents: a drift from the first bad night until it is resolved."""
