"""The HTTP edge of the predictor: requests in, documents and problems out."""
