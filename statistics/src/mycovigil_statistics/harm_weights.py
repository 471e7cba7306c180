"""Weights of a night's explanations, as printed by `benchmarks/drift_harm_train.py`.

`EXPLANATIONS` has a row for each explanation and a column for each piece of evidence.
"""

EXPLANATIONS = (
    (2.76, -3.63, 1.25, -0.44),
    (-0.51, 0.89, -0.4, 0.27),
    (-2.26, 2.74, -0.85, 0.17),
)
SHARPNESS = 0.32
OFFSET = -1.23
