"""Reference sets in memory, their fitted tests, and new ones from production."""
