"""Days of production: their sketches, the baseline that nights are compared with, and its rows."""
