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
    (0.239, -0.006, 0.036, -0.016),
    (-0.156, 0.017, 0.524, -0.07),
    (0.069, 0.148, -0.196, -0.348),
    (0.551, -0.116, -0.091, -0.045),
    (0.15, -0.038, -0.182, 0.35),
)
