"""Commands that start, check and feed a local stack."""
