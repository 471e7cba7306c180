"""Fine-tuning of an ImageNet tower by the caption objective: the packaged encoder."""
