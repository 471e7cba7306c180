"""Detector weights, as printed by `benchmarks/drift_cause.py --train --cases 900 --seed 11`."""

WEIGHTS: dict[str, dict[str, float]] = {
    "camera_or_light": {
        "constant": -12.75,
        "covariate_signal": 4.77,
        "covariate_shift": 10.61,
        "displacement_signal": 1.35,
    },
    "displaced": {
        "constant": -9.21,
        "displacement_signal": 3.06,
        "middle_signal": 1.9,
        "tail_signal": -0.53,
        "tail_moved": 0.44,
        "novel_signal": 0.78,
        "cohesion": -0.82,
        "patchiness": -2.0,
    },
    "novel_species": {
        "constant": -1.61,
        "displacement_signal": 0.62,
        "middle_signal": -1.63,
        "tail_signal": 0.12,
        "tail_moved": 2.85,
        "novel_signal": 0.91,
        "cohesion": 0.28,
        "patchiness": 3.68,
        "prior_signal": -0.82,
        "prior_explains": -0.41,
    },
    "class_prior": {
        "constant": -6.39,
        "displacement_signal": -0.48,
        "middle_signal": -0.24,
        "tail_signal": -0.57,
        "tail_moved": -0.77,
        "novel_signal": -0.14,
        "cohesion": -0.37,
        "patchiness": -1.75,
        "prior_signal": 5.86,
        "prior_explains": 2.25,
    },
}
