"""The species, one module a safety class, and those that no training list knows."""
