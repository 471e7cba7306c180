"""Days of production that nights are compared with: their sketches, and which ones are accepted."""
