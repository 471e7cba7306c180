"""Encoders measured on photos that they were not trained on."""
