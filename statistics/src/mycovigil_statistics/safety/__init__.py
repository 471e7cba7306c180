"""Calibration, risk control, exact bounds and paired tests."""
