"""What labels that came later say about a window, in place of what was estimated without them."""

from dataclasses import asdict, dataclass
from typing import Any

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil_statistics.safety.proportions import Interval, interval
from mycovigil_worker.labels.certificate_evidence import Misses, Proof
from mycovigil_worker.labels.labelled_photos import Answered, Given, counted
from mycovigil_worker.report.harm import Safety

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Realised:
    """``missed``: deadly photos answered neither ``avoid`` nor ``cannot_tell``; ``risk``: the same
    among all labelled; ``recall`` by class with a label; ``specimens``: deadly ones missed, one
    photo of each; ``misses``: whether each of these was. ``labelled`` photos were chosen at random;
    ``others`` count in no figure (:func:`counted`). Intervals are 95%, exact (Clopper-Pearson)."""

    labelled: int
    others: int
    missed: Interval
    risk: Interval
    recall: dict[SafetyClass, Interval]
    specimens: Interval
    misses: Misses

    @classmethod
    def of(cls, every: list[Answered]) -> "Realised":
        rows = counted(every)
        deadly = [row for row in rows if row.truth is SafetyClass.DEADLY]
        missed = sum(row.missed for row in deadly)
        misses = Misses.of((row.specimen or row.photo, row.photo, row.missed) for row in deadly)
        outcomes = misses.outcomes
        return cls(
            labelled=len(rows),
            others=len(every) - len(rows),
            missed=interval(missed, len(deadly), LEVEL),
            risk=interval(missed, len(rows), LEVEL),
            recall=_recall(rows),
            specimens=interval(sum(outcomes), len(outcomes), LEVEL),
            misses=misses,
        )

    def safety(self, bound: float | None, proof: Proof | None) -> Safety:
        """Whether deadly photos are missed more often than the certificate's bound allows:
        proven by all labels of the model, or excluded by those of this window."""
        if bound is None or proof is None or self.missed.trials == 0:
            return Safety.UNKNOWN
        if proof.refutes and self.missed.successes:
            return Safety.AFFECTED
        return Safety.NOT_AFFECTED if self.missed.high <= bound else Safety.UNKNOWN

    def document(
        self, bound: float | None, proof: Proof | None, labels: Given, rows: int
    ) -> dict[str, Any]:
        """As stored in the report."""
        return {
            "as_of": labels.newest.isoformat(),
            "mark": labels.mark,
            "labelled": self.labelled,
            "not_counted": self.others,
            "chosen_at_random": True,
            "rows": rows,
            "safety": self.safety(bound, proof).value,
            "bound": bound,
            "proof": None if proof is None else proof.document(),
            "random_misses": asdict(self.misses),
            "deadly": _counted(self.missed, "missed"),
            "deadly_specimens": _counted(self.specimens, "missed"),
            "risk": _counted(self.risk, "missed"),
            "recall": {name.value: _counted(found, "right") for name, found in self.recall.items()},
            "macro_recall": self._macro(),
        }

    def _macro(self) -> dict[str, Any]:
        """Mean over the classes with a label; its bounds are the means of theirs, conservative."""
        found = list(self.recall.values())
        return {
            "value": _mean([one.estimate for one in found]),
            "low": _mean([one.low for one in found]),
            "high": _mean([one.high for one in found]),
            "classes": len(found),
        }


def _recall(rows: list[Answered]) -> dict[SafetyClass, Interval]:
    """Of each class with a label."""
    recall = {}
    for name in CLASSES:
        known = [row for row in rows if row.truth is name]
        if known:
            right = sum(row.predicted is name for row in known)
            recall[name] = interval(right, len(known), LEVEL)
    return recall


def _counted(found: Interval, name: str) -> dict[str, Any]:
    return {
        "count": found.trials,
        name: found.successes,
        "rate": found.estimate if found.trials else None,
        "low": found.low,
        "high": found.high,
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
