"""Learns how a night's explanations and estimates are weighed (`harm_weights.py`).

python benchmarks/drift_harm_train.py [--cases 6000] [--seed 100000] [--pool photos.npz]

Explanations are weighed by nights of the simulated family, which have every shift that they explain
by itself; their stack by these and as many nights of rendered photos.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import drift_harm_photos as photos
import numpy as np
from drift_harm import HARMLESS, TERMINAL, Night
from harm_pool import DEFAULT, Pool
from rich.progress import track
from scipy.optimize import minimize
from sklearn.linear_model import Ridge

from mycovigil_statistics.safety.calibration import softmax
from mycovigil_statistics.safety.harm.explanations import Explanations, behind, chance_behind
from mycovigil_statistics.safety.harm.mixture import Known
from mycovigil_statistics.safety.harm.stacking import UNIT, Stack
from mycovigil_statistics.sample import FloatArray

RIDGE, STACK_RIDGE = 1e-5, 30.0
# Rises are told apart within these distances of where the decision lies, not far beyond.
NEAR, STACK_NEAR = 0.03, 0.08


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What the weights are learned from: of each explanation the risk among known photos, the share
    of new ones that are called edible, and where their cluster lies; `stack`: the estimates, the
    first of which is still by the weights of before."""

    rise: float
    evidence: FloatArray
    familiar: FloatArray
    stray: FloatArray
    far: float
    stack: Stack

    @classmethod
    def of(cls, found: Night) -> "Lesson":
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
            Stack.of(night, found.known, found.labels, known, told),
        )  # fmt: skip


def train(simulated: Sequence[Lesson], rendered: Sequence[Lesson]) -> dict[str, Any]:
    """Weights that bring the estimated rise nearest to the true one, near to where it decides."""
    point, lessons = explanation_weights(simulated), [*simulated, *rendered]
    stacks = [
        replace(lesson.stack, estimates=np.append(average, lesson.stack.estimates[1:]))
        for lesson, average in zip(lessons, averages(lessons, point), strict=True)
    ]
    return {
        "EXPLANATIONS": point[:-2].reshape(3, -1).tolist(),
        "SHARPNESS": float(point[-2]),
        "OFFSET": float(point[-1]),
        "STACK": stack_weights(stacks, np.array([lesson.rise for lesson in lessons])).tolist(),
    }


def explanation_weights(lessons: Sequence[Lesson]) -> FloatArray:
    """(14,): three rows for the explanations, then sharpness and offset of a cluster's guess."""
    near = _near_decision(np.array([lesson.rise for lesson in lessons]))

    def loss(point: FloatArray) -> float:
        missed = _near_decision(averages(lessons, point)) - near
        return float(np.square(missed).mean() + RIDGE * np.square(point[:-2]).sum())

    start = np.array([*np.zeros(3 * len(lessons[0].evidence)), 0.5, 0.0])
    found = minimize(loss, start, method="L-BFGS-B", options={"maxfun": 50_000})
    return np.asarray(found.x.round(2))


def averages(lessons: Sequence[Lesson], point: FloatArray) -> FloatArray:
    """(n,) rises by the explanations alone."""
    evidence, familiar, stray, far = (
        np.array([getattr(lesson, name) for lesson in lessons])
        for name in ("evidence", "familiar", "stray", "far")
    )
    weights = softmax(evidence @ point[:-2].reshape(3, -1).T)
    chance = chance_behind(far, point[-2], point[-1])
    return np.asarray((weights * (familiar + stray * chance[:, None])).sum(axis=1))


def stack_weights(stacks: Sequence[Stack], rise: FloatArray) -> FloatArray:
    """(5, 4): a row for the constant and each estimate, a column for it and each circumstance."""
    design = np.array([stack.design for stack in stacks])
    wanted = (rise - np.array([stack.estimates[0] for stack in stacks])) / UNIT
    weights = 1 / (1 + np.square((rise - HARMLESS) / STACK_NEAR))
    spread = design[:, 1:].std(axis=0)
    ridge = Ridge(STACK_RIDGE).fit(design[:, 1:] / spread, wanted, weights)
    return np.append(ridge.intercept_, ridge.coef_ / spread).round(3).reshape(5, -1)


def _near_decision(rise: FloatArray) -> FloatArray:
    return np.asarray(np.tanh((rise - HARMLESS) / NEAR))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=100_000)
    parser.add_argument("--pool", type=Path, default=DEFAULT)
    options = parser.parse_args()
    pool, seeds = Pool.at(options.pool), range(options.seed, options.seed + options.cases)
    simulated = [
        Lesson.of(Night.random(seed)) for seed in track(seeds, "simulated", console=TERMINAL)
    ]
    rendered = [
        Lesson.of(photos.random_night(pool, seed))
        for seed in track(seeds, "rendered", console=TERMINAL)
    ]
    print(json.dumps(train(simulated, rendered), indent=4))


if __name__ == "__main__":
    main()
