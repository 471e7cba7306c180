"""The statistics that the two-sample test combines, and what they are computed from."""
