"""What labels that came later say about a window, in place of what was estimated without them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil import ground_truth
from mycovigil.db.base import first_id_at
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.report import DriftReport
from mycovigil.safety import CLASSES, SafetyClass, Verdict
from mycovigil_statistics.proportion import Interval, interval
from mycovigil_worker.harm import Safety
from mycovigil_worker.proof import Proof

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Answered:
    """A labelled photo: the truth, the class predicted, and what the person was told;
    ``specimen``: what it shares with other photos of the same one."""

    truth: SafetyClass
    predicted: SafetyClass
    verdict: Verdict
    specimen: str | None = None

    @property
    def missed(self) -> bool:
        """Deadly, and nobody was warned."""
        return self.truth is SafetyClass.DEADLY and self.verdict is Verdict.EXPERT_CHECK


@dataclass(frozen=True, slots=True)
class Given:
    """``newest``: when the last label of a window was given or changed; ``mark``: changes with
    any of them, also with one that was given earlier and committed later."""

    newest: datetime
    mark: str


@dataclass(frozen=True, slots=True)
class Realised:
    """``missed``: deadly photos answered neither ``avoid`` nor ``cannot_tell``; ``risk``: photos
    that are deadly and called edible, among all labelled; ``recall`` by class with a label;
    ``misses``: of each deadly specimen the share of its photos that were missed.
    Intervals are 95%, exact (Clopper-Pearson)."""

    labelled: int
    missed: Interval
    risk: Interval
    recall: dict[SafetyClass, Interval]
    misses: list[float]

    @classmethod
    def of(cls, rows: list[Answered]) -> "Realised":
        deadly = [row for row in rows if row.truth is SafetyClass.DEADLY]
        missed = sum(row.missed for row in deadly)
        recall = {}
        for name in CLASSES:
            known = [row for row in rows if row.truth is name]
            if known:
                right = sum(row.predicted is name for row in known)
                recall[name] = interval(right, len(known), LEVEL)
        called_edible = sum(row.predicted is SafetyClass.EDIBLE for row in deadly)
        return cls(
            len(rows),
            interval(missed, len(deadly), LEVEL),
            interval(called_edible, len(rows), LEVEL),
            recall,
            _by_specimen(deadly),
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
        """As the report keeps it."""
        return {
            "as_of": labels.newest.isoformat(),
            "mark": labels.mark,
            "labelled": self.labelled,
            "rows": max(rows, self.labelled),  # a night that failed counted none
            "safety": self.safety(bound, proof).value,
            "bound": bound,
            "proof": None if proof is None else proof.document(),
            "misses": self.misses,
            "deadly": _counted(self.missed, "missed"),
            "risk": _counted(self.risk, "called_edible"),
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


def answered(session: Session, report: DriftReport) -> list[Answered]:
    """The labelled photos of a report's window, guesses left out."""
    rows = session.execute(
        select(Label.label, Prediction.label, Prediction.verdict, Prediction.group_key)
        .join(Prediction, Prediction.id == Label.prediction_id)
        .where(ground_truth.trusted(), *_within(report))
        .ext(distinct_on(Label.prediction_id))
        .order_by(Label.prediction_id, *ground_truth.weightiest_first())
    )
    return [
        Answered(SafetyClass(truth), SafetyClass(predicted), Verdict(verdict), specimen)
        for truth, predicted, verdict, specimen in rows
    ]


def given(session: Session, report: DriftReport) -> Given | None:
    """The labels of the window's photos as they stand, None if there are none. Those of photos
    that wait in the predictor's spool come with their photos."""
    moment = func.extract("epoch", Label.created_at)
    newest, count, moments = session.execute(
        select(func.max(Label.created_at), func.count(), func.sum(moment))
        .join(Prediction, Prediction.id == Label.prediction_id)
        .where(*_within(report))
    ).one()
    return None if newest is None else Given(newest, f"{count}/{moments}")


def _within(report: DriftReport) -> tuple[ColumnElement[bool], ...]:
    """Labels and predictions of the window; both sides by time, so that each is read by index."""
    return (
        Label.prediction_id >= first_id_at(report.window_start),
        Label.prediction_id < first_id_at(report.window_end),
        Prediction.model_id == report.model_id,
        Prediction.created_at >= report.window_start,
        Prediction.created_at < report.window_end,
    )


def _by_specimen(deadly: list[Answered]) -> list[float]:
    alone = [float(row.missed) for row in deadly if row.specimen is None]
    shared: dict[str, list[bool]] = {}
    for row in deadly:
        if row.specimen is not None:
            shared.setdefault(row.specimen, []).append(row.missed)
    return alone + [sum(photos) / len(photos) for photos in shared.values()]


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
