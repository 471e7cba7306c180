"""Weights of a night's explanations and estimates, as printed by `benchmarks/drift_harm_train.py`.

`EXPLANATIONS` has a row for each explanation and a column for each piece of evidence; `STACK` a row
for the constant and each estimate, and a column for the constant and each circumstance.
"""

EXPLANATIONS = (
    (2.5, -2.99, 0.53, -0.21),
    (-1.51, 1.62, -0.84, 0.04),
    (-1.0, 1.37, 0.32, 0.17),
)
SHARPNESS = 0.61
OFFSET = -1.28
STACK = (
    (0.204, -0.026, 0.011, 0.024),
    (-0.02, 0.032, 0.323, -0.004),
    (-0.002, 0.189, -0.046, -0.338),
    (0.497, -0.18, -0.039, -0.124),
    (0.041, -0.081, -0.088, 0.384),
)
