"""Reference sets: what calm looks like."""
