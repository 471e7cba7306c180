"""Detector weights, as printed by `benchmarks/drift_cause.py --train --cases 2000`."""

WEIGHTS: dict[str, dict[str, float]] = {
    "camera_or_light": {"constant": -11.29, "covariate_signal": 8.82, "covariate_shift": 8.86},
    "displaced": {
        "constant": -3.87,
        "displacement_signal": 2.43,
        "middle_signal": 2.95,
        "tail_signal": -0.64,
        "tail_moved": -1.85,
        "novel_signal": 0.41,
        "prior_signal": -4.88,
        "prior_explains": 0.18,
    },
    "novel_species": {
        "constant": -4.13,
        "displacement_signal": 0.78,
        "middle_signal": -0.92,
        "tail_signal": 1.62,
        "tail_moved": 7.59,
        "novel_signal": 1.56,
        "prior_signal": -0.43,
        "prior_explains": 0.13,
    },
    "class_prior": {
        "constant": -6.61,
        "displacement_signal": -0.59,
        "middle_signal": -0.62,
        "tail_signal": -1.93,
        "tail_moved": -1.54,
        "novel_signal": -0.67,
        "prior_signal": 7.08,
        "prior_explains": 2.65,
    },
}
