"""Learns how a night's explanations are weighed (`harm_weights.py`), on simulated nights.

python benchmarks/drift_harm_train.py [--cases 2000] [--seed 1000]
"""

import argparse
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from drift_harm import HARMLESS, TERMINAL, Night
from rich.progress import track
from scipy.optimize import minimize

from mycovigil_statistics.calibration import softmax
from mycovigil_statistics.explanations import Explanations, behind, chance_behind
from mycovigil_statistics.mixture import Known
from mycovigil_statistics.sample import FloatArray

RIDGE = 1e-5
NEAR = 0.03
"""Rises are told apart within this distance of where the decision lies, not far beyond."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What the weights are learned from: of each explanation the risk among known photos, the share
    of new ones that are called edible, and where their cluster lies."""

    rise: float
    evidence: FloatArray
    familiar: FloatArray
    stray: FloatArray
    far: float

    @classmethod
    def of(cls, seed: int) -> "Lesson":
        found = Night.random(seed)
        night, deadly = found.tonight, found.deadly
        known = Known.of(found.known.features, found.known.probabilities, found.labels)
        told = Explanations.of(night.features, night.probabilities, known, deadly)
        edible = night.called_edible
        return cls(
            found.rise,
            told.evidence,
            np.array([(m.posterior[:, deadly] * edible * (1 - m.newness)).mean()
                      for m in told.mixtures]) - found.before,
            np.array([(m.newness * edible).mean() for m in told.mixtures]),
            behind(told.mixtures[-1].distances, deadly),
        )  # fmt: skip


def train(seeds: range) -> dict[str, Any]:
    """Weights that bring the averaged rise nearest to the true one, near to where it decides."""
    lessons = [Lesson.of(seed) for seed in track(seeds, "lessons", console=TERMINAL)]
    rise, evidence, familiar, stray, far = (
        np.array([getattr(lesson, name) for lesson in lessons]) for name in Lesson.__slots__
    )

    def loss(point: FloatArray) -> float:
        weights = softmax(evidence @ point[:-2].reshape(3, -1).T)
        chance = chance_behind(far, point[-2], point[-1])
        averaged = (weights * (familiar + stray * chance[:, None])).sum(axis=1)
        missed = _near_decision(averaged) - _near_decision(rise)
        return float(np.square(missed).mean() + RIDGE * np.square(point[:-2]).sum())

    start = np.array([*np.zeros(3 * evidence.shape[1]), 0.5, 0.0])
    found = minimize(loss, start, method="L-BFGS-B", options={"maxfun": 50_000}).x.round(2)
    return {
        "EXPLANATIONS": found[:-2].reshape(3, -1).tolist(),
        "SHARPNESS": float(found[-2]),
        "OFFSET": float(found[-1]),
    }


def _near_decision(rise: FloatArray) -> FloatArray:
    return np.asarray(np.tanh((rise - HARMLESS) / NEAR))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1_000)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.cases)
    print(json.dumps(train(seeds), indent=4))


if __name__ == "__main__":
    main()
