"""Autumn is no drift: false alarms on `field_walks` with a plain and with a seasonal reference.

python benchmarks/drift_season.py --photos ../shared/data [--runs 40]

A night is about 60 photos of one month of the year, in whole species-days, drawn at random from
all years; its reference is 500 photos of all others: any of them, or those that
`mycovigil_statistics.seasonal` draws for the middle of the month (as if all had been taken
earlier). Everything is one photographer's, so what alarms is the season.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
from drift_photos import embed
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil.encoder.identity import PACKAGED
from mycovigil_statistics import fit, judge
from mycovigil_statistics.proportion import interval
from mycovigil_statistics.sample import IntArray
from mycovigil_statistics.seasonal import seasonal_rows

NIGHT, REFERENCE = 60, 500
LEVEL = 0.05
YEAR = 2023
MONTHS = {"May to July": (5, 6, 7), "August": (8,), "September": (9,), "October": (10,),
          "November": (11,)}  # fmt: skip
TERMINAL = Console(stderr=True)


def whole_groups(groups: np.ndarray, rows: IntArray, generator: np.random.Generator) -> IntArray:
    """About 60 of these rows in whole groups, drawn at random."""
    names, unit, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
    order = generator.permutation(len(names))
    last = int(np.searchsorted(np.cumsum(sizes[order]), NIGHT))
    return rows[np.isin(unit, order[: last + 1])]


def alarms(
    features: np.ndarray, captured: np.ndarray, groups: np.ndarray, months: tuple[int, ...],
    seeds: range,
) -> tuple[int, int]:  # fmt: skip
    """Alarms with the plain and with the seasonal reference."""
    month = captured.astype("datetime64[M]").astype(int) % 12 + 1
    inside = np.flatnonzero(np.isin(month, months))
    day = date(YEAR, months[len(months) // 2], 15)
    found = [0, 0]
    for seed in seeds:
        generator = np.random.default_rng(seed)
        night = whole_groups(groups, inside, generator)
        rest = np.setdiff1d(np.arange(len(features)), night)
        for place, floor in enumerate((1.0, 0.05)):
            chosen = rest[
                seasonal_rows(
                    captured[rest], day, REFERENCE, groups=groups[rest], floor=floor, seed=seed
                )
            ]
            fitted = fit(features[chosen], groups=groups[chosen], seed=seed)
            judgement = judge(
                fitted, features[night], groups=groups[night], seed=seed, permutations=999
            )
            found[place] += judgement.p_value <= LEVEL
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data"))
    parser.add_argument("--encoder", type=Path, default=PACKAGED / "mini" / "fp16")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=8_500_000)
    options = parser.parse_args()
    walks = embed(options.photos / "field_walks", options.encoder)
    walks = walks.take(np.flatnonzero(~np.isnat(walks.captured)))
    title = f"alarms at .05 of {options.runs} nights of about {NIGHT}, seed {options.seed}"
    table = Table("season of the night", "plain reference", "seasonal reference", title=title)
    seeds = range(options.seed, options.seed + options.runs)
    for name, months in track(MONTHS.items(), "seasons", console=TERMINAL):
        row = alarms(walks.features, walks.captured, walks.groups, months, seeds)
        rates = (interval(count, options.runs) for count in row)
        table.add_row(name, *(f"{r.estimate:.3f} [{r.low:.2f}, {r.high:.2f}]" for r in rates))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
