"""Harm without labels on rendered photos, where species come that nobody knew.

python benchmarks/drift_harm_new_species.py [--cases 300] [--seed 60000000] [--pool photos.npz]

Photos are those of `drift_harm_photos.py`. In every case four known species are left out:
new to the model, as the five novel ones are. A head learns from 70 photos of each other species, 40
have labels, the rest are the population that the night is drawn from: calm, another season, other
class shares, more deadly photos, the new phone, a new species, phone and new species. Harm is what
`drift_harm.py` says.

The ceiling: the recall of one who knows everything but whether the new species is deadly, and who
is right in four of five nights that he calls affected.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drift_harm import TERMINAL, Night, summary, table_of
from harm_pool import ALL, CLASS_OF, DEADLY, DEFAULT, EDIBLE, PHONE, USUAL, Pool
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import LogisticRegression

from mycovigil.models.safety import CLASSES
from mycovigil_simulator.season import prior
from mycovigil_simulator.species import NOVEL, SPECIES
from mycovigil_statistics.safety.harm.rows import Rows
from mycovigil_statistics.sample import FloatArray, IntArray

KINDS = ("calm", "season", "prior", "deadly", "phone", "newcomer", "both")
STRANGE = ("newcomer", "both")
LEARNED, LABELLED, LEFT_OUT = 70, 40, 4
TRUTH = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Weights of the species (s,), of which `newcomer` is one; share of photos by the new phone."""

    kind: str
    weights: NDArray[np.float64]
    newcomer: int
    phone: float

    @classmethod
    def random(cls, g: np.random.Generator, known: IntArray, new_species: IntArray) -> "Shift":
        kind, newcomer = str(g.choice(KINDS)), int(g.choice(new_species))
        weights = np.zeros(len(ALL))
        weights[known] = 1 / len(known)
        if kind == "season":
            weights *= np.append(prior(SPECIES, int(g.integers(1, 366))), np.zeros(len(NOVEL)))
        if kind == "prior":
            weights *= (g.dirichlet([2.0] * len(CLASSES)) * len(CLASSES))[CLASS_OF]
        if kind == "deadly":
            weights *= np.where(CLASS_OF == DEADLY, g.uniform(1, 6), 1)
        weights /= weights.sum()
        if kind in STRANGE:
            share = g.uniform(0.05, 0.5)
            weights *= 1 - share
            weights[newcomer] = share
        return cls(kind, weights, newcomer, g.uniform(0.2, 1) if kind in ("phone", "both") else 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class PhotoNight:
    """A night, and how likely one who does not know what the newcomer is calls it harmful."""

    night: Night
    suspicion: float


def random_night(pool: Pool, seed: int) -> PhotoNight:
    g = np.random.default_rng(seed)
    known = np.sort(g.permutation(len(SPECIES))[LEFT_OUT:])
    new_species = np.setdiff1d(np.arange(len(ALL)), known)
    order = g.permutation(USUAL)
    learned, labelled, rest = np.split(order, [LEARNED, LEARNED + LABELLED])
    head = LogisticRegression(C=10, max_iter=2_000).fit(
        np.concatenate(pool.usual[known][:, learned]), np.repeat(CLASS_OF[known], LEARNED)
    )
    shift = Shift.random(g, known, new_species)

    def said(features: FloatArray) -> Rows:
        return Rows.of(features, head.predict_proba(features), edible=EDIBLE)

    def drawn(rows: int) -> tuple[Rows, IntArray]:
        species = g.choice(len(ALL), rows, p=shift.weights)
        modern = g.random(rows) < shift.phone
        usual = pool.usual[species, g.choice(rest, rows)]
        phone = pool.phone[species, g.integers(0, PHONE, rows)]
        return said(np.where(modern[:, None], phone, usual)), species

    tonight, _ = drawn(int(np.exp(g.uniform(np.log(200), np.log(1_000)))))
    later, species = drawn(TRUTH)
    night = Night(
        shift.kind, DEADLY, said(np.concatenate(pool.usual[known][:, labelled])),
        np.repeat(CLASS_OF[known], LABELLED), tonight, later, CLASS_OF[species],
    )  # fmt: skip
    return PhotoNight(night, _suspicion(night, species == shift.newcomer, new_species))


def _suspicion(night: Night, strange: NDArray[np.bool_], new_species: IntArray) -> float:
    called = night.later.called_edible
    familiar = float((called & (night.truth == DEADLY) & ~strange).mean()) - night.before
    stray = float((called & strange).mean())
    deadly = float((CLASS_OF[new_species] == DEADLY).mean())
    return deadly * (familiar + stray > 0.02) + (1 - deadly) * (familiar > 0.02)


def ceiling(rises: FloatArray, suspicions: FloatArray, precision: float = 0.8) -> float:
    """Best recall at this precision of calling the most suspicious nights affected; among equally
    suspicious ones chance decides."""
    harmful, clear = rises > 0.02, (rises > 0.02) | (rises < 0.01)
    found = called = best = 0.0
    for level in sorted(set(suspicions.tolist()) - {0.0}, reverse=True):
        tied = suspicions == level
        right, said = float((harmful & tied).sum()), float((clear & tied).sum())
        short = precision * said - right
        part = 1.0 if short <= 0 else min(1.0, max(found - precision * called, 0.0) / short)
        found, called = found + part * right, called + part * said
        best = max(best, found)
    return best / max(float(harmful.sum()), 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=60_000_000)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--pool", type=Path, default=DEFAULT)
    options = parser.parse_args()
    pool = Pool.at(options.pool)
    seeds = range(options.seed, options.seed + options.cases)
    nights = [random_night(pool, seed) for seed in track(seeds, "nights", console=TERMINAL)]
    cases = [
        found.night.judged(seed, options.replicates)
        for seed, found in zip(seeds, nights, strict=True)
    ]
    suspicions = np.array([found.suspicion for found in nights])
    title = f"{options.cases} nights of rendered photos from {options.seed}"
    screen = Console(width=110)
    screen.print(table_of(summary(cases), title))
    known = [found for found in cases if found.kind not in STRANGE]
    screen.print(table_of(summary(known), "of these, without a newcomer"))
    rises = np.array([found.rise for found in cases])
    screen.print(f"ceiling of the recall at a precision of .8: {ceiling(rises, suspicions):.3f}")


if __name__ == "__main__":
    main()
