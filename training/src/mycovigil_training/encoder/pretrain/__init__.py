"""Training of the packaged encoder."""
