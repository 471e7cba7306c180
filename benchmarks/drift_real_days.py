"""The drift test on real days of one photographer, each judged against the other days.

python benchmarks/drift_real_days.py [--photos ../shared/data] [--encoder lite/int8-weights]
    [--held-out]

Days of `field_walks` (August to November) with at least 30 photos of at least 10 specimens; a
specimen is a species on a day. Geometry from the field guide (another photographer) or from the
other walks. Leave-one-out: each day against all others. Forward: each day against the days before
it, from the ninth on. Mixes: a share of a day's photos is replaced by photos without a mushroom, or
by those of another photographer. `--held-out`: photos without a mushroom are of the quarter that no
encoder of ours was trained on; a night with more than there are repeats some.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from photo_features import Photos, embed
from rich.console import Console
from rich.table import Table

from mycovigil.vision.encoder.identity import EncoderIdentity, locate
from mycovigil_statistics.drift.days.drift_test import DriftTest
from mycovigil_statistics.drift.days.sketch import DaySketch
from mycovigil_statistics.sample import FloatArray, IntArray
from mycovigil_training.encoder.evaluate.holdout import held_out

LEVELS = (0.05, 0.00067)
LEAST_PHOTOS, LEAST_SPECIMENS = 30, 10
MONTHS = (8, 9, 10, 11)
EARLIER = 8
REPEATS = 5
MIXES = {
    "off-topic 20%": ("things", 0.2),
    "off-topic 30%": ("things", 0.3),
    "another photographer 33%": ("guide", 1 / 3),
    "another photographer": ("guide", 1.0),
}


def ordinary_days(walks: Photos) -> list[IntArray]:
    """Row numbers of each day that is large enough, in order of time."""
    months = walks.captured.astype("datetime64[M]").astype(int) % 12 + 1
    found = []
    for day in np.unique(walks.captured[~np.isnat(walks.captured)]):
        rows = np.flatnonzero(walks.captured == day)
        specimens = len(np.unique(walks.groups[rows]))
        if months[rows[0]] in MONTHS and len(rows) >= LEAST_PHOTOS and specimens >= LEAST_SPECIMENS:
            found.append(rows)
    return found


@dataclass(frozen=True, slots=True)
class Encoder:
    """How photos are judged: with a novelty score where the encoder has one, as in the product."""

    direction: FloatArray

    def _novelty(self, photos: Photos) -> FloatArray | None:
        return photos.features @ self.direction[:, None] if len(self.direction) else None

    def fitted(self, photos: Photos) -> DriftTest:
        return DriftTest.fit(
            photos.features, None, photos.covariates,
            novelty=self._novelty(photos), groups=photos.groups, seed=3,
        )  # fmt: skip

    def sketch(self, test: DriftTest, photos: Photos) -> DaySketch:
        return test.sketch(
            photos.features, None, photos.covariates,
            novelty=self._novelty(photos), groups=photos.groups,
        )  # fmt: skip


def mixed(day: Photos, other: Photos, share: float, generator: np.random.Generator) -> Photos:
    """The day with a share of its photos replaced."""
    replaced = generator.random(len(day)) < share
    count = int(replaced.sum())
    drawn = generator.choice(len(other), count, replace=count > len(other))
    return day.take(np.flatnonzero(~replaced)).joined(other.take(drawn))


def p_of(test: DriftTest, night: DaySketch, baseline: list[DaySketch]) -> float:
    return float(test.judge_days([night], baseline=baseline).p_days or 0.0)


def study(
    name: str, encoder: Encoder, learned: Photos, parts: list[Photos], others: dict[str, Photos]
) -> Table:
    test = encoder.fitted(learned)
    generator = np.random.default_rng(7)
    days = [encoder.sketch(test, part) for part in parts]
    rest = [days[:i] + days[i + 1 :] for i in range(len(days))]
    found = {"leave-one-out": [p_of(test, d, r) for d, r in zip(days, rest, strict=True)]}
    found["forward in time"] = [p_of(test, days[i], days[:i]) for i in range(EARLIER, len(days))]
    for mix, (kind, share) in MIXES.items():
        found[mix] = [
            p_of(test, encoder.sketch(test, mixed(part, others[kind], share, generator)), baseline)
            for part, baseline in zip(parts, rest, strict=True)
            for _ in range(REPEATS)
        ]
    table = Table("nights", "judged", *(f"p <= {level}" for level in LEVELS), title=name)
    for label, ps in found.items():
        alarms = [sum(p <= level for p in ps) for level in LEVELS]
        table.add_row(label, str(len(ps)), *(f"{a} ({a / len(ps):.2f})" for a in alarms))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data"))
    parser.add_argument("--encoder", default="lite/int8-weights")
    parser.add_argument("--held-out", action="store_true")
    given = parser.parse_args()
    folder = locate(given.encoder)
    direction = EncoderIdentity.read(folder).non_mushroom_direction
    encoder = Encoder(np.array(direction, np.float32))
    walks, guide, things = (
        embed(given.photos / name, folder)
        for name in ("field_walks", "field_guide", "not_mushroom")
    )
    if given.held_out:
        things = things.take(np.flatnonzero(held_out(things.groups.tolist())))
    rows = ordinary_days(walks)
    parts = [walks.take(day) for day in rows]
    elsewhere = np.setdiff1d(np.arange(len(walks)), np.concatenate(rows))
    others = {"things": things, "guide": guide}
    console = Console()
    console.print(f"{len(parts)} days")
    console.print(study("geometry of the field guide", encoder, guide, parts, others))
    console.print(study("geometry of other walks", encoder, walks.take(elsewhere), parts, others))


if __name__ == "__main__":
    main()
