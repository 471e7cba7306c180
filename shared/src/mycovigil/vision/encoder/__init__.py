"""Encoders as files: identity, digests, and the packaged ones."""
