"""Keep what a training run gave: on disk, or in Weights & Biases."""
