"""Reference sets and windows: rows of photos that are compared."""
