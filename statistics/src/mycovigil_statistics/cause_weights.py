"""Detector weights, as printed by `benchmarks/drift_cause.py --train --cases 1200`."""

WEIGHTS: dict[str, dict[str, float]] = {
    "camera_or_light": {"constant": -9.88, "covariate_signal": 7.89, "covariate_shift": 7.64},
    "displaced": {
        "constant": -6.83,
        "displacement_signal": 3.19,
        "middle_signal": 0.94,
        "tail_signal": -1.09,
        "tail_moved": -3.3,
        "novel_signal": 0.73,
    },
    "novel_species": {
        "constant": -4.72,
        "displacement_signal": 0.82,
        "middle_signal": -1.0,
        "tail_signal": 1.91,
        "tail_moved": 5.57,
        "novel_signal": 1.67,
    },
    "class_prior": {
        "constant": -5.87,
        "displacement_signal": -0.44,
        "middle_signal": -0.73,
        "tail_signal": -1.74,
        "tail_moved": -1.8,
        "novel_signal": -0.5,
        "prior_signal": 6.2,
        "prior_explains": 2.9,
    },
}
