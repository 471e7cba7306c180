"""Autumn is no drift: false alarms on `field_walks` with plain and with seasonal references.

python benchmarks/drift_season.py --photos ../shared/data [--runs 200]

A night is a third of the species-days of one season, 16 to 60 of them, drawn at random from all
years; its references are drawn from all others: 1,000 photos of any season, as few of any season
as the seasonal ones have, those that `mycovigil_statistics.drift.seasonal` draws for the middle of
the season (as if all had been taken earlier), and those of the very months, as the product's own
seasonal sets. Everything is one photographer's, so what alarms is the season. Features and
covariates are judged, whole species-days are permuted. Nights are parts of one collection, so rates
of one row go up and down together. A dash: fewer groups than a fit takes.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from drift_photos import LEVEL, with_covariates
from photo_features import TERMINAL, Photos, embed
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil.vision.encoder.identity import PACKAGED
from mycovigil_statistics.drift.seasonal import seasonal_rows
from mycovigil_statistics.errors import InsufficientRows
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.sample import IntArray

FEWEST_UNITS, MOST_UNITS = 16, 60
FEWEST_ROWS, MOST_ROWS, PLAIN_ROWS = 200, 500, 1_000
YEAR = 2023
MONTHS = {"May to July": (5, 6, 7), "August": (8,), "September": (9,), "October": (10,),
          "November": (11,)}  # fmt: skip
REFERENCES = ("plain, 1,000", "plain", "seasonal", "same months")


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """The photos, which of them were taken in the season, and its middle."""

    walks: Photos
    inside: np.ndarray
    middle: date

    @classmethod
    def of(cls, walks: Photos, months: tuple[int, ...]) -> "Season":
        month = walks.captured.astype("datetime64[M]").astype(int) % 12 + 1
        return cls(walks, np.isin(month, months), date(YEAR, months[len(months) // 2], 15))

    def night(self, generator: np.random.Generator) -> IntArray:
        names = np.unique(self.walks.groups[self.inside])
        units = int(np.clip(len(names) // 3, FEWEST_UNITS, MOST_UNITS))
        chosen = generator.permutation(names)[:units]
        return np.flatnonzero(np.isin(self.walks.groups, chosen))

    def references(self, night: IntArray, seed: int) -> Iterator[IntArray]:
        """In the order of `REFERENCES`."""
        rest = np.setdiff1d(np.arange(len(self.walks)), night)
        same = rest[self.inside[rest]]
        rows = int(np.clip(len(same), FEWEST_ROWS, MOST_ROWS))
        yield self._drawn(rest, PLAIN_ROWS, seed, floor=1.0)
        yield self._drawn(rest, rows, seed, floor=1.0)
        yield self._drawn(rest, rows, seed)
        yield self._drawn(same, min(rows, len(same)), seed, floor=1.0)

    def _drawn(self, of: IntArray, rows: int, seed: int, **weights: float) -> IntArray:
        dates, groups = self.walks.captured[of], self.walks.groups[of]
        return of[seasonal_rows(dates, self.middle, rows, groups=groups, seed=seed, **weights)]


def alarms(season: Season, seeds: range) -> tuple[list[int], list[int]]:
    """Alarms by reference, and on how many nights there was one."""
    found, judged = [0] * len(REFERENCES), [0] * len(REFERENCES)
    for seed in seeds:
        night = season.night(np.random.default_rng(seed))
        for place, rows in enumerate(season.references(night, seed)):
            sides = (season.walks.take(rows), season.walks.take(night))
            try:
                found[place] += with_covariates(*sides, seed, groups=True).p_value <= LEVEL
            except InsufficientRows:
                continue
            judged[place] += 1
    return found, judged


def rate(count: int, judged: int, runs: int) -> str:
    if judged < runs:
        return "-"
    bounds = interval(count, judged)
    return f"{bounds.estimate:.3f} [{bounds.low:.2f}, {bounds.high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data"))
    parser.add_argument("--encoder", type=Path, default=PACKAGED / "mini" / "fp16")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=8_500_000)
    options = parser.parse_args()
    walks = embed(options.photos / "field_walks", options.encoder)
    walks = walks.take(np.flatnonzero(~np.isnat(walks.captured)))
    title = f"alarms at .05 of {options.runs} nights, seed {options.seed}"
    table = Table("season of the night", *REFERENCES, title=title)
    seeds = range(options.seed, options.seed + options.runs)
    for name, months in track(MONTHS.items(), "seasons", console=TERMINAL):
        counts = zip(*alarms(Season.of(walks, months), seeds), strict=True)
        table.add_row(name, *(rate(*count, options.runs) for count in counts))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
