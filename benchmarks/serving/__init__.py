"""Parts of the serving benchmark: servers, load, the encoder alone."""
