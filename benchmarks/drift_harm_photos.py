"""Harm without labels on rendered photos: the product's simulator through the packaged encoder.

python benchmarks/drift_harm_photos.py [--cases 1000] [--seed 64000000]
    [--replicates 100] [--pool photos.npz]

A head learns from 60 photos of every species of the simulator, is calibrated on 20 and judged on 30
that have labels; the rest are the population that a night of 200 to 3,000 is drawn from: calm,
another season, other class shares, more deadly photos, a new phone, or one species surging. The
features are blurred as in `drift_harm.py`, so that the head errs on a third of the photos, and harm
is what it is there. Species that nobody knew are in `drift_harm_new_species.py`.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drift_harm import BLUR, TERMINAL, TRUTH, Night, summary, table_of
from harm_pool import CLASS_OF, DEADLY, DEFAULT, EDIBLE, PHONE, USUAL, Pool
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import LogisticRegression

from mycovigil.models.safety import CLASSES
from mycovigil_simulator.season import prior
from mycovigil_simulator.species import SPECIES
from mycovigil_statistics.safety.calibration import Scaling, bias_corrected_scaling
from mycovigil_statistics.safety.harm.rows import Rows
from mycovigil_statistics.sample import FloatArray, IntArray

KINDS = ("calm", "season", "prior", "deadly", "phone", "species")
LEARNED, CALIBRATED, LABELLED = 60, 20, 30
SPECIES_CLASS = CLASS_OF[: len(SPECIES)]


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Shares of the species (s,), and of the photos by the new phone."""

    kind: str
    shares: NDArray[np.float64]
    phone: float

    @classmethod
    def random(cls, g: np.random.Generator) -> "Shift":
        kind, weights = str(g.choice(KINDS)), np.ones(len(SPECIES))
        if kind == "season":
            weights *= prior(SPECIES, int(g.integers(1, 366)))
        if kind == "prior":
            weights *= g.dirichlet([2.0] * len(CLASSES))[SPECIES_CLASS]
        shares = weights / weights.sum()
        if kind == "deadly":
            shares = _mixed(shares, SPECIES_CLASS == DEADLY, g.uniform(0.05, 0.5))
        if kind == "species":
            surging = np.arange(len(SPECIES)) == g.integers(len(SPECIES))
            shares = _mixed(shares, surging, g.uniform(0.05, 0.5))
        return cls(kind, shares, g.uniform(0.2, 1) if kind == "phone" else 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A calibrated head that sees blurred features."""

    head: LogisticRegression
    scaling: Scaling
    generator: np.random.Generator

    @classmethod
    def trained(cls, learned: FloatArray, held_out: FloatArray, g: np.random.Generator) -> "Model":
        """Both (s, n, d): n photos of every species."""
        head = LogisticRegression(max_iter=2_000).fit(_blurred(learned, g), _labels(learned))
        logs = _logs(head, _blurred(held_out, g))
        return cls(head, bias_corrected_scaling(logs, _labels(held_out)), g)

    def said(self, features: FloatArray) -> Rows:
        x = _blurred(features, self.generator)
        said = self.scaling.probabilities(_logs(self.head, x))
        return Rows.of(x, said, edible=EDIBLE)


def random_night(pool: Pool, seed: int) -> Night:
    g = np.random.default_rng(seed)
    shift, known = Shift.random(g), pool.usual[: len(SPECIES)]
    order = g.permutation(USUAL)
    learned, calibrated, labelled, rest = np.split(
        order, np.cumsum([LEARNED, CALIBRATED, LABELLED])
    )
    model = Model.trained(known[:, learned], known[:, calibrated], g)

    def drawn(rows: int) -> tuple[Rows, IntArray]:
        species = g.choice(len(SPECIES), rows, p=shift.shares)
        modern = g.random(rows) < shift.phone
        usual = known[species, g.choice(rest, rows)]
        phone = pool.phone[species, g.integers(0, PHONE, rows)]
        return model.said(np.where(modern[:, None], phone, usual)), SPECIES_CLASS[species]

    tonight, _ = drawn(int(np.exp(g.uniform(np.log(200), np.log(3_000)))))
    later, truth = drawn(TRUTH)
    seen = known[:, labelled]
    return Night(
        shift.kind, DEADLY, model.said(seen.reshape(-1, seen.shape[-1])), _labels(seen),
        tonight, later, truth,
    )  # fmt: skip


def _mixed(shares: FloatArray, more: NDArray[np.bool_], part: float) -> FloatArray:
    """`part` of all photos is spread over the species of which there are `more`."""
    return np.asarray((1 - part) * shares + part * more / more.sum())


def _blurred(features: FloatArray, g: np.random.Generator) -> FloatArray:
    rows = features.reshape(-1, features.shape[-1])
    return np.asarray(rows + BLUR * g.standard_normal(rows.shape))


def _logs(head: LogisticRegression, x: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.clip(head.predict_proba(x), 1e-12, 1)))


def _labels(photos: FloatArray) -> IntArray:
    """(s * n,) classes of (s, n, d) photos."""
    return np.repeat(SPECIES_CLASS, photos.shape[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=64_000_000)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--pool", type=Path, default=DEFAULT)
    options = parser.parse_args()
    pool, seeds = Pool.at(options.pool), range(options.seed, options.seed + options.cases)
    cases = [
        random_night(pool, seed).judged(seed, options.replicates)
        for seed in track(seeds, "nights", console=TERMINAL)
    ]
    title = f"{options.cases} nights of rendered photos from {options.seed}"
    Console(width=110).print(table_of(summary(cases), title))


if __name__ == "__main__":
    main()
