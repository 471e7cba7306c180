"""Kept photos of past days, encoded anew by another encoder: requests, leases, progress."""
