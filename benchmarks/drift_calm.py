"""False alarms of the drift test on calm nights of the simulated family: resumable counts.

python benchmarks/drift_calm.py run [--runs 1000] [--tails normal heavy] [--references 500 ...]
python benchmarks/drift_calm.py

Every run has a world, a reference and nights of its own, so that runs are independent. Counts go
to `benchmarks/counts/calm_nights.json` as they come; a run that was cut short goes on where it
stopped, and seeds say which worlds were counted. `heavy` noise is multivariate t with 5 degrees
of freedom, and predicted probabilities are tested with it.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics import fit, judge
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.simulated import World

LEVELS = (0.01, 0.05, 0.10)
REFERENCES = (500, 2_000, 10_000)
NIGHTS = (50, 200, 1_000, 5_000)
SEEDS = {
    ("normal", 500): 41_000_000,
    ("normal", 2_000): 42_000_000,
    ("normal", 10_000): 43_000_000,
    ("heavy", 500): 51_000_000,
    ("heavy", 2_000): 52_000_000,
    ("heavy", 10_000): 53_000_000,
}
COUNTS = Path(__file__).parent / "counts" / "calm_nights.json"
AT_ONCE = 10
TERMINAL = Console(stderr=True)
Cell = dict[str, Any]


def calm_p_values(
    reference: int,
    nights: Sequence[int],
    seeds: range,
    *,
    dimension: int = 512,
    heavy: bool = False,
) -> dict[int, list[float]]:
    """p-values of calm nights by night size; one fit a seed serves a night of each size."""
    p_values: dict[int, list[float]] = {night: [] for night in nights}
    for seed in seeds:
        generator = np.random.default_rng(seed)
        world = World.random(seed, dimension, heavy=heavy)
        x, _ = world.draw(reference, generator)
        fitted = fit(x, world.probabilities(x) if heavy else None, seed=seed)
        for night in nights:
            y, _ = world.draw(night, generator)
            p = world.probabilities(y) if heavy else None
            result = judge(fitted, y, p, seed=seed, permutations=999)
            p_values[night].append(result.p_value)
    return p_values


def cells_of(counts: dict[str, Cell], tail: str, reference: int) -> Iterator[Cell]:
    """The cells of one reference size, made where they are missing."""
    for night in NIGHTS:
        name = f"{tail} {reference} x {night}"
        yield counts.setdefault(
            name,
            {"first_seed": SEEDS[tail, reference], "runs": 0, "alarms": [0] * len(LEVELS)},
        )


def add_runs(
    counts: dict[str, Cell],
    tail: str,
    reference: int,
    sizes: Sequence[int],
    wanted: int,
    path: Path,
) -> None:
    """Bring nights of these sizes to the wanted number of runs, saving every ten."""
    cells = dict(zip(NIGHTS, cells_of(counts, tail, reference), strict=True))
    cells = {night: cell for night, cell in cells.items() if night in sizes}
    batches = -(-max(wanted - cell["runs"] for cell in cells.values()) // AT_ONCE)
    for _ in track(range(max(batches, 0)), f"{tail} {reference}", console=TERMINAL):
        fewest = min(cell["runs"] for cell in cells.values())
        nights = [night for night, cell in cells.items() if cell["runs"] == fewest]
        first = cells[nights[0]]["first_seed"] + fewest
        found = calm_p_values(
            reference, nights, range(first, first + AT_ONCE), heavy=tail == "heavy"
        )
        for night, p_values in found.items():
            cells[night]["runs"] += len(p_values)
            for place, level in enumerate(LEVELS):
                cells[night]["alarms"][place] += sum(p <= level for p in p_values)
        path.write_text(json.dumps(counts, indent=1) + "\n")


def table_of(counts: dict[str, Cell]) -> Table:
    table = Table(
        "cell", "calm nights", *(f"at {level}" for level in LEVELS), "95% interval at .05"
    )
    for name, cell in counts.items():
        runs, alarms = cell["runs"], cell["alarms"]
        bounds = interval(alarms[LEVELS.index(0.05)], runs)
        table.add_row(
            name, f"{runs:,}", *(f"{count / max(runs, 1):.3f}" for count in alarms),
            f"{bounds.low:.3f} to {bounds.high:.3f}",
        )  # fmt: skip
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["run", "table"], default="table")
    parser.add_argument("--references", type=int, nargs="+", default=REFERENCES)
    parser.add_argument("--nights", type=int, nargs="+", default=NIGHTS, choices=NIGHTS)
    parser.add_argument("--tails", nargs="+", choices=["normal", "heavy"], default=["normal"])
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--counts", type=Path, default=COUNTS)
    options = parser.parse_args()
    counts = json.loads(options.counts.read_text()) if options.counts.exists() else {}
    if options.what == "run":
        for tail in options.tails:
            for reference in options.references:
                add_runs(counts, tail, reference, options.nights, options.runs, options.counts)
    Console(width=110).print(table_of(counts))


if __name__ == "__main__":
    main()
