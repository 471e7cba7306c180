"""Days as the unit of calm: a night drifts only if it is stranger than accepted days differ."""
