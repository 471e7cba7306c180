"""The datasheet page of a curated folder."""
