"""The drift test on days beside what others do: power where all alarm on 5% of calm nights.

python benchmarks/drift_peers.py run [--worlds 10] [--first 72000000]
python benchmarks/drift_peers.py

Nights of 240 photos. Others compare a night with 1,000 rows of 28 calm days, ours with the sketches
of these days. Every method gives a number that is larger for stranger nights; its threshold is the
.95 quantile of its numbers on all calm nights of a condition, so that power is compared at one rate
of false alarms. `by its own`: how many calm nights alarm at the level .05 that the method itself
promises. MMD: Gaussian kernel, median distance, rows permuted 200 times; KS: smallest p of the
dimensions (Bonferroni); classifier: logistic regression, five folds, rank test of its scores;
Hotelling: T² of the night's mean, covariance of the 1,000 rows. Numbers by world go to
`benchmarks/counts/peers.json`.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from drift_days import CALM, CONDITIONS, DIMENSION, SHIFTS, TERMINAL, Nights, night_p_values
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import f as fisher
from scipy.stats import ks_2samp, mannwhitneyu
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from mycovigil_statistics.drift import DaySketch
from mycovigil_statistics.sample import FloatArray
from mycovigil_statistics.simulated import World

COMPARED = ("none", "mean 1%", "both")
DAYS, PHOTOS, ROWS, CALM_NIGHTS, SHIFTED, PERMUTATIONS = 28, 240, 1_000, 20, 10, 200
LEVEL = 0.05
FIRST = 72_000_000
COUNTS = Path(__file__).parent / "counts" / "peers.json"
# (statistic, p-value) of a night beside reference rows.
Peer = Callable[[FloatArray, FloatArray], tuple[float, float]]


def mmd(reference: FloatArray, night: FloatArray) -> tuple[float, float]:
    rows = np.vstack([reference, night])
    lengths = np.square(rows).sum(axis=1)
    squares = np.maximum(lengths[:, None] + lengths - 2 * rows @ rows.T, 0)
    kernel = np.exp(-squares / np.median(squares))
    generator = np.random.default_rng(0)
    weights = np.full((PERMUTATIONS + 1, len(rows)), -1 / len(reference))
    weights[0, len(reference) :] = 1 / len(night)
    for one in weights[1:]:
        one[generator.permutation(len(rows))[: len(night)]] = 1 / len(night)
    found = np.einsum("ij,ij->i", weights @ kernel, weights)
    return float(found[0]), float((found >= found[0]).mean())


def kolmogorov(reference: FloatArray, night: FloatArray) -> tuple[float, float]:
    smallest = float(np.min(ks_2samp(reference, night).pvalue))
    return -np.log(max(smallest, 1e-300)), min(1.0, smallest * reference.shape[1])


def classifier(reference: FloatArray, night: FloatArray) -> tuple[float, float]:
    rows = np.vstack([reference, night])
    labels = np.repeat([0, 1], [len(reference), len(night)])
    model = LogisticRegression(class_weight="balanced", max_iter=200)
    scores = cross_val_predict(model, rows, labels, cv=5, method="decision_function")
    ranks = mannwhitneyu(scores[labels == 1], scores[labels == 0], alternative="greater")
    return float(ranks.statistic), float(ranks.pvalue)


def hotelling(reference: FloatArray, night: FloatArray) -> tuple[float, float]:
    step = night.mean(axis=0) - reference.mean(axis=0)
    rows, columns = reference.shape
    square = float(step @ np.linalg.solve(np.cov(reference.T), step))
    square /= 1 / len(night) + 1 / rows
    scaled = square * (rows - columns) / (columns * (rows - 1))
    return square, float(fisher.sf(scaled, columns, rows - columns))


PEERS: dict[str, Peer] = {
    "MMD": mmd,
    "KS, Bonferroni": kolmogorov,
    "classifier": classifier,
    "Hotelling's T²": hotelling,
}
OURS = "ours, days"


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A night's rows and its sketch."""

    rows: FloatArray
    sketch: DaySketch


def drawn(nights: Nights, kind: str) -> Drawn:
    rows, groups = nights.world.draw_day(
        PHOTOS, nights.generator, nights.effects, SHIFTS.get(kind, CALM)
    )
    answers = nights.predictions.sketch(nights.world.probabilities(rows), groups=groups)
    return Drawn(rows, nights.features.sketch(rows, groups=groups).joined(answers))


def counted(seed: int, condition: str) -> dict[str, Any]:
    """By method and kind of night: [number, p-value] of each; CPU seconds of all, by method."""
    place = list(CONDITIONS).index(condition)
    nights = Nights.of(World.random(seed, DIMENSION), CONDITIONS[condition], (seed, place))
    days = [drawn(nights, "calm") for _ in range(DAYS)]
    pool = np.vstack([day.rows for day in days])
    reference = pool[nights.generator.choice(len(pool), ROWS, replace=False)]
    numbers = {kind: CALM_NIGHTS if shift is CALM else SHIFTED for kind, shift in SHIFTS.items()}
    judged = {kind: [drawn(nights, kind) for _ in range(n)] for kind, n in numbers.items()}
    found: dict[str, Any] = {}
    for name, peer in PEERS.items():
        start = time.process_time()
        found[name] = {k: [peer(reference, one.rows) for one in v] for k, v in judged.items()}
        found[name]["seconds"] = time.process_time() - start
    start = time.process_time()
    baseline = [day.sketch for day in days]
    found[OURS] = {}
    for kind, those in judged.items():
        p_values = night_p_values(baseline, [one.sketch for one in those])
        found[OURS][kind] = [(-float(np.log(p)), p) for p in p_values]
    found[OURS]["seconds"] = time.process_time() - start
    return found


def run(worlds: int, first: int) -> None:
    counts: dict[str, Any] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    keys = [(seed, name) for seed in range(first, first + worlds) for name in COMPARED]
    missing = [key for key in keys if f"{key[0]}/{key[1]}" not in counts]
    for seed, name in track(missing, "worlds", console=TERMINAL):
        counts[f"{seed}/{name}"] = counted(seed, name)
        COUNTS.write_text(json.dumps(counts, sort_keys=True))


def show(counts: dict[str, Any]) -> None:
    shifts = [kind for kind in SHIFTS if kind != "calm"]
    table = Table("condition", "method", "calm nights", "by its own", *shifts, "CPU ms a night")
    for condition in COMPARED:
        worlds = [found for key, found in counts.items() if key.partition("/")[2] == condition]
        for name in (*PEERS, OURS):
            calm = np.concatenate([world[name]["calm"] for world in worlds])
            threshold = np.quantile(calm[:, 0], 1 - LEVEL)
            power = [
                np.mean(np.concatenate([w[name][s] for w in worlds])[:, 0] > threshold)
                for s in shifts
            ]
            nights = len(worlds) * (CALM_NIGHTS + SHIFTED * len(shifts))
            cost = 1_000 * sum(world[name]["seconds"] for world in worlds) / nights
            cells = [f"{(calm[:, 1] <= LEVEL).mean():.3f}", *(f"{p:.2f}" for p in power)]
            table.add_row(condition, name, str(len(calm)), *cells, f"{cost:.1f}")
    Console(width=130).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "show"], default="show")
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--first", type=int, default=FIRST)
    given = parser.parse_args()
    if given.action == "run":
        run(given.worlds, given.first)
    show(json.loads(COUNTS.read_text()))


if __name__ == "__main__":
    main()
