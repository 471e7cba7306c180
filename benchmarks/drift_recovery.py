"""When an incident ends by calm: resumable counts.

python benchmarks/drift_recovery.py run [--worlds 50] [--first 63000000] [--cells 'none, 28 days' …]
python benchmarks/drift_recovery.py

Nights of 240 photos beside 28 days, or beside 7. `ended`: the cause ends after the first night that
alarms; does the incident end within 7 nights? `stays`: a new cluster of a share that a night finds
with a chance of about .3 stays; does the incident end within 30 nights? It is measured from the
latest night that alarmed, and by its shift. Four orders of nights a world; counts go to
`benchmarks/counts/recovery.json`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drift_days import CONDITIONS, DIMENSION, TERMINAL, Nights
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.drift import DaySketch, DaysResult, closed_by_calm, judge_days
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.simulated import Shift, World

LEVEL, PHOTOS = 0.00067, 240
POOL, ORDERS, WEEK, MONTH = 50, 4, 7, 30
# Condition, days of the baseline, and the share that a night finds with a chance of about .3 (on
# worlds from 63,800,000).
CELLS = {"none, 28 days": ("none", 28, 0.046), "both, 28 days": ("both", 28, 0.048),
         "both, 7 days": ("both", 7, 0.078)}  # fmt: skip
FIRST = 63_000_000
COUNTS = Path(__file__).parent / "counts" / "recovery.json"


@dataclass(frozen=True, slots=True, eq=False)
class Incident:
    """Nights with a shift and calm ones, and what the test says of the shifted."""

    baseline: list[DaySketch]
    shifted: list[DaySketch]
    results: list[DaysResult]
    calm: list[DaySketch]

    def alarms(self, night: int) -> bool:
        return self.results[night].p_value <= LEVEL

    def closed(self, night: int, since: list[DaySketch]) -> bool:
        views = self.results[night].alarming(LEVEL)
        return closed_by_calm([self.shifted[night]], since, self.baseline, views)

    def ends_in_a_week(self, night: int, order: list[int]) -> bool:
        since = [self.calm[number] for number in order]
        return any(self.closed(night, since[: count + 1]) for count in range(WEEK))

    def ends_though_it_stays(self, order: list[int]) -> bool:
        """`order`: the night that opened it, and those after it."""
        latest, since = order[0], list[DaySketch]()
        for night in order[1:]:
            if self.alarms(night):
                latest, since = night, []
                continue
            since.append(self.shifted[night])
            if self.closed(latest, since):
                return True
        return False


def counted(seed: int, condition: str, k: int, share: float) -> dict[str, int]:
    nights = Nights.of(World.random(seed, DIMENSION), CONDITIONS[condition], (seed, k))
    baseline = [nights.sketch(PHOTOS) for _ in range(k)]
    shifted = [nights.sketch(PHOTOS, Shift(novel=share)) for _ in range(POOL)]
    results = [judge_days([night], baseline=baseline) for night in shifted]
    calm = [nights.sketch(PHOTOS) for _ in range(2 * WEEK)]
    incident = Incident(baseline, shifted, results, calm)
    counts = {"nights": POOL, "alarms": sum(map(incident.alarms, range(POOL))), "runs": 0}
    counts |= {"ended": 0, "stays": 0}
    for _ in range(ORDERS if counts["alarms"] else 0):
        order = nights.generator.permutation(POOL).tolist()
        order = order[next(i for i, night in enumerate(order) if incident.alarms(night)) :]
        month = (order + nights.generator.permutation(POOL).tolist())[: MONTH + 1]
        calm_order = nights.generator.permutation(2 * WEEK)[:WEEK].tolist()
        counts["runs"] += 1
        counts["ended"] += incident.ends_in_a_week(order[0], calm_order)
        counts["stays"] += incident.ends_though_it_stays(month)
    return counts


def run(worlds: int, first: int, cells: Sequence[str]) -> None:
    counts: dict[str, Any] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    missing = [
        (seed, cell)
        for seed in range(first, first + worlds)
        for cell in cells
        if f"{seed}/{cell}" not in counts
    ]
    for seed, cell in track(missing, "worlds", console=TERMINAL):
        counts[f"{seed}/{cell}"] = counted(seed, *CELLS[cell])
        COUNTS.write_text(json.dumps(counts, sort_keys=True))


def show(counts: dict[str, Any]) -> None:
    table = Table("nights", "found", "runs", "ended: closed in 7", "stays: closed in 30")
    for cell in CELLS:
        found = [one for key, one in counts.items() if key.partition("/")[2] == cell]
        total = {name: sum(one[name] for one in found) for name in found[0]}
        ended, stays = (interval(total[name], total["runs"]) for name in ("ended", "stays"))
        table.add_row(
            cell,
            f"{total['alarms'] / total['nights']:.2f}",
            str(total["runs"]),
            f"{ended.estimate:.3f} (>= {ended.low:.3f})",
            f"{stays.estimate:.3f} (<= {stays.high:.3f})",
        )
    Console(width=110).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "show"], default="show")
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=[*CELLS])
    given = parser.parse_args()
    if given.action == "run":
        run(given.worlds, given.first, given.cells)
    show(json.loads(COUNTS.read_text()))


if __name__ == "__main__":
    main()
