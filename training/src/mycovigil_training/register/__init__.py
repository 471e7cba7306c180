"""A finished model enters the registry with its reference set."""
