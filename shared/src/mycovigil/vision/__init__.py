"""Photos: decoding, image covariates, and the identity of encoders."""
