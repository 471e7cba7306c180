"""One way from bytes to pixels and covariates, for training and serving."""
