"""The cause suite: simulated drifts with known causes, and the weights learned from them.

python benchmarks/drift_cause.py --train --cases 2000    # learn the weights (cause_weights.py)
python benchmarks/drift_cause.py                         # judge them on fresh seeds
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from mycovigil_statistics import DriftResult, FittedReference, fit, judge
from mycovigil_statistics.drift.cause.explain import explain
from mycovigil_statistics.sample import FloatArray
from mycovigil_statistics.simulated import Shift, World

CAUSES = ("camera_or_light", "novel_species", "class_prior")
KINDS = (*CAUSES, "mixed", "unknown")
COVARIATES = 4
SPECIES_SPREAD = 0.5
CONFIDENT = 0.8
TERMINAL = Console(stderr=True)
SHAPE = (
    "displacement_signal",
    "middle_signal",
    "tail_signal",
    "tail_moved",
    "novel_signal",
    "cohesion",
    "patchiness",
)
MIXTURE = ("prior_signal", "prior_explains")
DETECTORS = {
    "camera_or_light": ("covariate_signal", "covariate_shift", "displacement_signal"),
    "displaced": SHAPE,
    "novel_species": (*SHAPE, *MIXTURE),
    "class_prior": (*SHAPE, *MIXTURE),
}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One drift that was noticed (p <= .05), with the causes that were planted."""

    truth: frozenset[str]
    fitted: FittedReference
    result: DriftResult
    features: FloatArray
    probabilities: FloatArray | None
    covariates: FloatArray | None

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Arguments of `explain`."""
        return self.fitted, self.result, self.features, self.probabilities, self.covariates

    @property
    def blind(self) -> tuple[Any, ...]:
        """The same without covariates."""
        result = judge(self.fitted, self.features, self.probabilities, permutations=999)
        return self.fitted, result, self.features, self.probabilities

    @property
    def kind(self) -> str:
        if not self.truth:
            return "unknown"
        return next(iter(self.truth)) if len(self.truth) == 1 else "mixed"


def cases(seed: int) -> Iterator[Case]:
    """Endless noticed drifts, causes in turn: three pure, mixed, and none of them (unknown)."""
    for world_seed in count(seed):
        generator = np.random.default_rng(world_seed)
        dimension = int(generator.choice([64, 128, 256]))
        world = World.random(world_seed, dimension, heavy=bool(generator.random() < 0.3))
        rows = int(generator.choice([600, 1500, 3000]))
        x, _ = world.draw(rows, generator)
        sharpness = generator.uniform(0.06, 0.14)
        z = generator.standard_normal((rows, COVARIATES))
        fitted = fit(x, world.probabilities(x, sharpness), z, seed=world_seed)
        for truth in _truths(generator):
            yield from _case(world, fitted, truth, sharpness, generator)


def _truths(generator: np.random.Generator) -> list[frozenset[str]]:
    pair = frozenset(generator.choice(CAUSES, 2, replace=False).tolist())
    return [*(frozenset({cause}) for cause in CAUSES), pair, frozenset()]


def _case(
    world: World,
    fitted: FittedReference,
    truth: frozenset[str],
    sharpness: float,
    generator: np.random.Generator,
) -> Iterator[Case]:
    rows = int(np.exp(generator.uniform(np.log(100), np.log(2000))))
    camera, novel = "camera_or_light" in truth, "novel_species" in truth
    hidden = novel and generator.random() < 0.5
    g = generator
    shift = Shift(
        mean=g.uniform(0.03, 0.20) if camera or not truth else 0.0,
        scale=g.choice([0.0, g.uniform(-0.1, 0.15)]) if camera else 0.0,
        novel=g.uniform(0.05, 0.30) if novel and not hidden else 0.0,
        look_alike=g.uniform(0.15, 0.45) if hidden else 0.0,
        prior=g.uniform(0.10, 0.30) if "class_prior" in truth else 0.0,
        sparse=g.uniform(0.2, 0.6) if not truth and g.random() < 0.5 else 0.0,
    )
    x, labels = world.draw(rows, g, shift)
    z = g.standard_normal((rows, COVARIATES))
    z += np.outer(labels < 0, _colouring(world))
    if camera:
        moved = g.choice(COVARIATES, g.integers(1, 4), replace=False)
        z[:, moved] += g.uniform(0.4, 1.5, len(moved)) * g.choice([-1, 1], len(moved))
    p = world.probabilities(x, sharpness)
    result = judge(fitted, x, p, z, permutations=999)
    if result.p_value <= 0.05:
        yield Case(truth, fitted, result, x, p, z)


def _colouring(world: World) -> FloatArray:
    """By how many standard deviations the covariates of a new species differ: it is of another
    colour than the known ones, and that is no change of camera."""
    generator = np.random.default_rng(world.stranger.view(np.uint32))
    return np.asarray(generator.normal(0, SPECIES_SPREAD, COVARIATES))


def train(seed: int, wanted: int) -> dict[str, dict[str, float]]:
    """Logistic weights of each detector, on signed logarithms of the evidence."""
    stream = cases(seed)
    chosen = [next(stream) for _ in track(range(wanted), "learning", console=TERMINAL)]
    evidence = [explain(*case.inputs).evidence for case in chosen]
    return {
        detector: _logistic(names, evidence, [_planted(detector, case) for case in chosen])
        for detector, names in DETECTORS.items()
    }


def _planted(detector: str, case: Case) -> bool:
    """Only a camera, and the unknown displacement in this suite, move all rows."""
    if detector == "displaced":
        return "camera_or_light" in case.truth or not case.truth
    return detector in case.truth


def _logistic(
    names: tuple[str, ...], evidence: list[dict[str, float]], truth: list[bool]
) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression

    x = np.array([[e[name] for name in names] for e in evidence])
    model = LogisticRegression(C=3, max_iter=5_000).fit(np.sign(x) * np.log1p(np.abs(x)), truth)
    weights = [*model.intercept_, *model.coef_[0]]
    return dict(zip(("constant", *names), np.round(weights, 2).tolist(), strict=True))


def evaluate(seed: int, wanted: int, *, blind: bool = False) -> dict[str, object]:
    """Macro-F1 over the kinds, the share that is confident (> .8) and wrong, the confusions.

    `blind`: explain without covariates; drifts of unknown cause are then left out, because a
    common displacement cannot be told from a camera.
    """
    confusion = np.zeros((len(KINDS), len(KINDS)), int)
    wrong = confident = 0
    stream = (case for case in cases(seed) if case.truth or not blind)
    for _ in track(range(wanted), "judging", console=TERMINAL):
        case = next(stream)
        cause = explain(*(case.blind if blind else case.inputs))
        confusion[KINDS.index(case.kind), KINDS.index(cause.kind)] += 1
        confident += cause.confidence > CONFIDENT
        wrong += cause.confidence > CONFIDENT and cause.kind != case.kind
    hits = np.diag(confusion)
    present = confusion.sum(axis=1) > 0
    f1 = 2 * hits / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    return {
        "macro_f1": float(f1[present].mean()),
        "confident": confident / wanted,
        "confident_and_wrong": wrong / wanted,
        "kinds": KINDS,
        "confusion": confusion.tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train(options.seed or 20_000, options.cases), indent=4))
    else:
        result = evaluate(options.seed or 90_000, options.cases, blind=options.blind)
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
