"""The drift test on real photos' features: calm nights, off-topic photos, another photographer.

python benchmarks/drift_photos.py --photos ../shared/data [--runs 200] [--encoder FOLDER]
python benchmarks/drift_photos.py --runs 1000 --nights calm --tests worker

The reference is `field_guide` without the night's photos; a night is 200 of them drawn at random,
with a share replaced. Each night is judged by its features alone, with the covariates that are in
the pixels, and as the nightly worker does it: by the worker's own code, with probabilities and
novelty scores too. Width, height and JPEG quality are left out throughout: they would give the
collections away. The strangers, and the photographer of the calm species-days, are the quarter of
the photos that no encoder of ours was trained on; the other three quarters teach the direction of
photos without a mushroom, a linear head for the safety class, and the anchors of the novelty
distance, as training does. `--words`: that direction by the encoder's own text tower instead, as
for a model that was trained on mushrooms alone. Nights of `field_walks` are drawn by species and
day, the unit in which its photos come in bursts, and judged with whole groups and with rows
permuted.
"""

import argparse
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from photo_features import TERMINAL, Photos, embed
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from mycovigil.models.safety import CLASSES
from mycovigil.vision.encoder.identity import PACKAGED, EncoderIdentity
from mycovigil_statistics import DriftResult, fit, judge
from mycovigil_statistics.safety.novelty import (
    mean_distance,
    non_mushroom_direction,
    random_anchors,
)
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.sample import FloatArray
from mycovigil_training.encoder.evaluate.holdout import held_out
from mycovigil_worker.references import fitted as references
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.references.novelty import NoveltyScale

NIGHT = 200
LEVEL = 0.05
ANCHORS, NEIGHBOURS = 2_000, 5
NOBODY = uuid.UUID(int=0)
TESTS = ("features", "covariates", "worker")
FOLDERS = ("field_guide", "field_walks", "not_mushroom")


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """What a deployment knows besides its reference, learned from photos that are never judged."""

    scale: NoveltyScale
    head: LogisticRegression
    anchors: FloatArray

    @classmethod
    def of(cls, mushrooms: Photos, stranger: FloatArray | None) -> "Teacher":
        known = np.isin(mushrooms.classes, [str(kind) for kind in CLASSES])
        head = LogisticRegression(max_iter=2_000)
        head.fit(mushrooms.features[known], mushrooms.classes[known])
        anchors = random_anchors(ANCHORS, len(mushrooms), 0)
        return cls(NoveltyScale(NOBODY, None, stranger), head, mushrooms.features[anchors])

    def rated(self, photos: Photos) -> Photos:
        distances = mean_distance(photos.features, self.anchors, NEIGHBOURS).astype(np.float32)
        return replace(
            photos, distances=distances, probabilities=self.head.predict_proba(photos.features)
        )

    def judged(self, reference: Photos, night: Photos, seed: int, *, groups: bool) -> DriftResult:
        """The worker's decision."""
        rows = reference.rows(groups=groups)
        known = Reference(NOBODY, NOBODY, NOBODY, "", rows)
        fitted = references.fitted_now(known, self.scale, seed)
        return references.judged(fitted, night.rows(groups=groups), self.scale, seed, level=0.05)


class Test(Protocol):
    """Judges a night against a reference."""

    def __call__(
        self, reference: Photos, night: Photos, seed: int, *, groups: bool
    ) -> DriftResult: ...


def by_features(reference: Photos, night: Photos, seed: int, *, groups: bool) -> DriftResult:
    """The smallest call of the library."""
    keys = [side.groups if groups else None for side in (reference, night)]
    fitted = fit(reference.features, groups=keys[0], seed=seed)
    return judge(fitted, night.features, groups=keys[1], seed=seed)


def with_covariates(reference: Photos, night: Photos, seed: int, *, groups: bool) -> DriftResult:
    """As `by_features`, and with what was measured in the pixels."""
    keys = [side.groups if groups else None for side in (reference, night)]
    fitted = fit(reference.features, None, reference.covariates, groups=keys[0], seed=seed)
    return judge(fitted, night.features, None, night.covariates, groups=keys[1], seed=seed)


Halves = tuple[Photos, Photos]
Draw = Callable[[np.random.Generator], Halves]


def with_share(guide: Photos, strangers: Photos, share: float) -> Draw:
    """A reference and a night with this share of strangers."""

    def draw(generator: np.random.Generator) -> Halves:
        order = generator.permutation(len(guide))
        planted = generator.permutation(len(strangers))[: round(share * NIGHT)]
        night = guide.take(order[len(planted) : NIGHT]).joined(strangers.take(planted))
        return guide.take(order[NIGHT:]), night

    return draw


def with_poison(guide: Photos) -> Draw:
    """A night with twice the share of poisonous and deadly photos."""
    poison = np.isin(guide.classes, ["poisonous", "deadly"])
    weights = np.where(poison, 2.0, (1 - 2 * poison.mean()) / (1 - poison.mean()))

    def draw(generator: np.random.Generator) -> Halves:
        chosen = generator.choice(len(guide), NIGHT, replace=False, p=weights / weights.sum())
        return guide.take(np.setdiff1d(np.arange(len(guide)), chosen)), guide.take(chosen)

    return draw


def with_bursts(walks: Photos) -> Draw:
    """A calm night of about 200 photos in whole species-days."""
    names, unit, sizes = np.unique(walks.groups, return_inverse=True, return_counts=True)

    def draw(generator: np.random.Generator) -> Halves:
        order = generator.permutation(len(names))
        chosen = order[: int(np.searchsorted(np.cumsum(sizes[order]), NIGHT)) + 1]
        night = np.isin(unit, chosen)
        return walks.take(np.flatnonzero(~night)), walks.take(np.flatnonzero(night))

    return draw


def found(draw: Draw, test: Test, seeds: range, *, groups: bool = False) -> int:
    """How many nights are found at .05."""
    alarms = 0
    for seed in seeds:
        reference, night = draw(np.random.default_rng(seed))
        alarms += test(reference, night, seed, groups=groups).p_value <= LEVEL
    return alarms


def _parted(photos: Photos) -> Halves:
    """What encoders of ours may train on, and what is held out from them."""
    out = held_out(photos.groups.tolist())
    return photos.take(np.flatnonzero(~out)), photos.take(np.flatnonzero(out))


def _in_words(encoder: Path) -> FloatArray:
    words = EncoderIdentity.read(encoder).non_mushroom_direction
    if not words:
        raise SystemExit(f"{encoder} has no text tower's word for photos without a mushroom")
    return np.asarray(words, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data"))
    parser.add_argument("--encoder", type=Path, default=PACKAGED / "mini" / "fp16")
    parser.add_argument("--words", action="store_true", help="the encoder names the strangers")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=8_000_000)
    parser.add_argument("--tests", nargs="+", choices=TESTS, default=TESTS)
    parser.add_argument("--nights", nargs="+", help="only the nights of these names")
    options = parser.parse_args()
    guide, walks, others = (embed(options.photos / name, options.encoder) for name in FOLDERS)
    (taught, walks), (foreign, others) = _parted(walks), _parted(others)
    stranger = (
        _in_words(options.encoder)
        if options.words
        else non_mushroom_direction(taught.features, foreign.features)
    )
    teacher = Teacher.of(taught, stranger)
    tests: dict[str, Test] = {
        "features": by_features,
        "covariates": with_covariates,
        "worker": teacher.judged,
    }
    tests = {name: test for name, test in tests.items() if name in options.tests}
    guide, walks, others = (teacher.rated(photos) for photos in (guide, walks, others))
    nights: dict[str, tuple[Draw, bool]] = {
        "calm": (with_share(guide, others, 0.0), False),
        "off-topic 5%": (with_share(guide, others, 0.05), False),
        "off-topic 10%": (with_share(guide, others, 0.10), False),
        "off-topic 20%": (with_share(guide, others, 0.20), False),
        "another photographer 20%": (with_share(guide, walks, 0.20), False),
        "poisonous share doubled": (with_poison(guide), False),
        "calm species-days, groups permuted": (with_bursts(walks), True),
        "calm species-days, rows permuted": (with_bursts(walks), False),
    }
    nights = {name: nights[name] for name in options.nights or nights}
    title = f"found at .05 of {options.runs} nights of {NIGHT}, seed {options.seed}"
    table = Table("night", *tests, title=title)
    for name, (draw, groups) in track(nights.items(), "nights", console=TERMINAL):
        seeds = range(options.seed, options.seed + options.runs)
        row = [found(draw, test, seeds, groups=groups) for test in tests.values()]
        rates = (interval(alarms, options.runs) for alarms in row)
        table.add_row(name, *(f"{r.estimate:.3f} [{r.low:.2f}, {r.high:.2f}]" for r in rates))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
