"""Harm without labels: does the interval of class shares cover, is `affected` right?

python benchmarks/drift_harm.py [--cases 400] [--seed 50000000] [--replicates 100]

Every case has a world of its own (the simulated family, blurred until a linear head errs on a
third of its photos), a head learned from 3,000 rows, 1,000 labelled rows that it has not seen, and
a night of 200 to 3,000. The truth is measured on 10,000 further labelled rows of the same shift:
`harmful` if the share of photos that are deadly and called edible rose by more than .02, harmless
if by less than .01; what lies between is counted as neither.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from mycovigil_statistics.safety.harm.estimate import HarmEstimate, estimate_harm, labelled_risk
from mycovigil_statistics.safety.harm.rows import Rows
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.sample import FloatArray, IntArray
from mycovigil_statistics.simulated import Shift, World

KINDS = ("calm", "mean", "scale", "sparse", "novel", "prior", "deadly", "mixed")
LABEL_SHIFTS = ("calm", "prior", "deadly")
DIMENSION, BLUR = 64, 0.2
LEARNED, LABELLED, TRUTH = 3_000, 1_000, 10_000
HARMFUL, HARMLESS = 0.02, 0.01
CALM = Shift()
TERMINAL = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Case:
    """What happened (`rise` of the risk, class `shares`) and what was estimated."""

    kind: str
    rise: float
    shares: FloatArray
    estimate: HarmEstimate

    @property
    def risk_covered(self) -> bool:
        risk = self.estimate.risk
        return risk.low <= risk.reference + self.rise <= risk.high


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """A world with one head; `deadly` and `edible` are two of its four classes."""

    world: World
    deadly: int
    edible: int
    kind: str
    shift: Shift
    more_deadly: float
    generator: np.random.Generator

    @classmethod
    def random(cls, seed: int) -> "Setting":
        g = np.random.default_rng(seed)
        world = World.random(seed, DIMENSION, heavy=bool(g.random() < 0.3))
        edible, deadly = g.permutation(4)[:2].tolist()
        kind, u = str(g.choice(KINDS)), g.uniform
        shift = Shift(
            mean=u(0.05, 0.5) if kind in ("mean", "mixed") else 0.0,
            scale=u(0.05, 0.6) if kind == "scale" else 0.0,
            prior=u(0.05, 0.38) if kind == "prior" else 0.0,
            novel=u(0.05, 0.5) if kind in ("novel", "mixed") else 0.0,
            sparse=u(0.2, 1.5) if kind == "sparse" else 0.0,
        )
        return cls(world, deadly, edible, kind, shift, u(0.05, 0.5) * (kind == "deadly"), g)

    def draw(self, rows: int, shift: Shift = CALM) -> tuple[FloatArray, IntArray]:
        """Blurred features and labels; a row of the new cluster is of the last class."""
        x, labels = self.world.draw(rows, self.generator, shift)
        x = x + np.float32(BLUR) * self.generator.standard_normal(x.shape, dtype=np.float32)
        return x, np.where(labels < 0, 3, labels)

    def night(self, rows: int) -> tuple[FloatArray, IntArray]:
        """Rows of the shift; `more_deadly` of them are drawn from the deadly class."""
        x, labels = self.draw(rows if not self.more_deadly else 12 * rows, self.shift)
        if not self.more_deadly:
            return x, labels
        shares = np.bincount(labels, minlength=4) / len(labels)
        wanted = (1 - self.more_deadly) * shares
        wanted[self.deadly] += self.more_deadly
        weights = (wanted / shares)[labels]
        chosen = self.generator.choice(len(x), rows, replace=False, p=weights / weights.sum())
        return x[chosen], labels[chosen]


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """What an estimator sees (`known` with `labels`, `tonight`), and what `later` rows tell."""

    kind: str
    deadly: int
    known: Rows
    labels: IntArray
    tonight: Rows
    later: Rows
    truth: IntArray

    @classmethod
    def random(cls, seed: int) -> "Night":
        setting = Setting.random(seed)
        g = setting.generator
        head = LogisticRegression(C=0.3, max_iter=300).fit(*setting.draw(LEARNED))
        known, labels = setting.draw(LABELLED)
        tonight, _ = setting.night(int(np.exp(g.uniform(np.log(200), np.log(3_000)))))
        later, truth = setting.night(TRUTH)
        said = [
            Rows.of(x, head.predict_proba(x), edible=setting.edible)
            for x in (known, tonight, later)
        ]
        return cls(setting.kind, setting.deadly, said[0], labels, said[1], said[2], truth)

    @property
    def before(self) -> float:
        return labelled_risk(self.known, self.labels, self.deadly)

    @property
    def rise(self) -> float:
        return labelled_risk(self.later, self.truth, self.deadly) - self.before

    def judged(self, seed: int, replicates: int = 100) -> Case:
        estimate = estimate_harm(
            self.tonight, self.known, self.labels,
            deadly=self.deadly, replicates=replicates, seed=seed,
        )  # fmt: skip
        shares = np.bincount(self.truth, minlength=4) / len(self.truth)
        return Case(self.kind, self.rise, shares, estimate)


def case(seed: int, replicates: int = 100) -> Case:
    return Night.random(seed).judged(seed, replicates)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a suite. `waved_through`: harmful nights called not affected."""

    harmful: int
    named: int
    waved_through: int
    affected: int
    affected_rightly: int
    unknown: int
    cases: int
    covered: int
    intervals: int
    risk_covered: int


def summary(cases: Sequence[Case]) -> Summary:
    said = [c.estimate.safety for c in cases]
    harmful = [c.rise > HARMFUL for c in cases]
    clear = [c.rise > HARMFUL or c.rise < HARMLESS for c in cases]
    fair = [c for c in cases if c.kind in LABEL_SHIFTS]
    covers = [
        (c.estimate.shares.low <= c.shares) & (c.shares <= c.estimate.shares.high) for c in fair
    ]
    pairs = list(zip(said, harmful, clear, strict=True))
    return Summary(
        harmful=sum(harmful),
        named=sum(h and s == "affected" for s, h, _ in pairs),
        waved_through=sum(h and s == "not_affected" for s, h, _ in pairs),
        affected=sum(s == "affected" and c for s, _, c in pairs),
        affected_rightly=sum(s == "affected" and h for s, h, _ in pairs),
        unknown=said.count("unknown"),
        cases=len(cases),
        covered=int(np.sum(covers)),
        intervals=4 * len(fair),
        risk_covered=sum(c.risk_covered for c in cases),
    )


def table_of(found: Summary, title: str) -> Table:
    table = Table("figure", "count", "share", "95% interval", title=title)
    for name, hits, of in (
        ("harmful, called affected or unknown", found.harmful - found.waved_through, found.harmful),
        ("harmful, called affected", found.named, found.harmful),
        ("called affected, rightly", found.affected_rightly, found.affected),
        ("called unknown", found.unknown, found.cases),
        ("90% intervals of shares cover", found.covered, found.intervals),
        ("90% intervals of the risk cover", found.risk_covered, found.cases),
    ):
        bounds = interval(hits, of)
        table.add_row(
            name,
            f"{hits} of {of}",
            f"{bounds.estimate:.3f}",
            f"{bounds.low:.3f} to {bounds.high:.3f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--seed", type=int, default=50_000_000)
    parser.add_argument("--replicates", type=int, default=100)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.cases)
    cases = [case(seed, options.replicates) for seed in track(seeds, "harm", console=TERMINAL)]
    Console(width=110).print(table_of(summary(cases), f"{options.cases} cases from {options.seed}"))


if __name__ == "__main__":
    main()
