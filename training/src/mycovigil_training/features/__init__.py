"""Photos as feature vectors: the serving encoder, its cache, and tables of rows."""
