"""Detector weights, as printed by `benchmarks/drift_cause.py --train --cases 600 --seed 11`."""

WEIGHTS: dict[str, dict[str, float]] = {
    "camera_or_light": {"constant": -8.27, "covariate_signal": 6.96, "covariate_shift": 6.35},
    "displaced": {
        "constant": -8.08,
        "displacement_signal": 2.09,
        "middle_signal": 3.59,
        "tail_signal": 0.04,
        "tail_moved": -0.43,
        "novel_signal": 0.27,
        "patchiness": -3.33,
    },
    "novel_species": {
        "constant": -2.08,
        "displacement_signal": 0.58,
        "middle_signal": -1.31,
        "tail_signal": 0.03,
        "tail_moved": 3.76,
        "novel_signal": 0.34,
        "patchiness": 3.44,
        "prior_signal": -1.6,
        "prior_explains": -2.09,
    },
    "class_prior": {
        "constant": -5.21,
        "displacement_signal": -0.39,
        "middle_signal": -0.4,
        "tail_signal": -0.63,
        "tail_moved": -2.19,
        "novel_signal": -0.17,
        "patchiness": -0.47,
        "prior_signal": 3.97,
        "prior_explains": 3.44,
    },
}
