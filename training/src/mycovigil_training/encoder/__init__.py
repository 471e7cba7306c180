"""Image encoders: pretraining `mini`, exporting any open_clip model to ONNX, measuring them."""
