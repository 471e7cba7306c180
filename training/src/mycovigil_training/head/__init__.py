"""The head: a linear layer on encoder features, trained by Lightning, calibrated, folded."""
