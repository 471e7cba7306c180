"""Photo files taken apart: what the pixels depend on, colour profile, orientation; no more."""
