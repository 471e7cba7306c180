"""Encoders exported to ONNX, with parity checks."""
