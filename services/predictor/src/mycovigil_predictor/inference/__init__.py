"""From the bytes of a photo to features, probabilities and advice."""
