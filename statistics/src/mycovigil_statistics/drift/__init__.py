"""Two-sample tests of nights against a reference set, and what explains a drift."""
