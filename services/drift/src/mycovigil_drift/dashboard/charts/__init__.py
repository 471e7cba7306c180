"""Geometry of the charts: pure functions from rows to coordinates, which templates draw as SVG."""
