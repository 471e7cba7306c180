"""What labels that came later say about a window, in place of what was estimated without them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.report import DriftReport
from mycovigil.models.safety import CLASSES, Advice, SafetyClass
from mycovigil.references import ground_truth
from mycovigil_statistics.safety.proportions import Interval, interval
from mycovigil_worker.labels.certificate_evidence import Misses, Proof
from mycovigil_worker.report.harm import Safety

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Answered:
    """A labelled photo: the truth, the class predicted, and the advice given;
    ``specimen``: what it shares with other photos of the same one."""

    truth: SafetyClass
    predicted: SafetyClass
    verdict: Advice
    specimen: str | None = None

    @property
    def missed(self) -> bool:
        """Deadly, and the advice was neither ``avoid`` nor ``cannot_tell``."""
        return self.truth is SafetyClass.DEADLY and self.verdict is Advice.EXPERT_CHECK


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
    ``misses``: of the deadly ones, by specimen. Intervals are 95%, exact (Clopper-Pearson)."""

    labelled: int
    missed: Interval
    risk: Interval
    recall: dict[SafetyClass, Interval]
    misses: Misses

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
            Misses.of((row.specimen, row.missed) for row in deadly),
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
            "rows": rows,
            "safety": self.safety(bound, proof).value,
            "bound": bound,
            "proof": None if proof is None else proof.document(),
            "misses": asdict(self.misses),
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
        .where(ground_truth.trusted(), *_labelled_of(report))
        .ext(distinct_on(Label.prediction_id))
        .order_by(Label.prediction_id, *ground_truth.weightiest_first())
    )
    return [
        Answered(SafetyClass(truth), SafetyClass(predicted), Advice(verdict), specimen)
        for truth, predicted, verdict, specimen in rows
    ]


def given(session: Session, report: DriftReport) -> Given | None:
    """State of the labels of the window's photos, None if there are none. Those of photos
    that wait in the predictor's spool come with their photos."""
    moment = func.extract("epoch", Label.created_at)
    newest, count, moments = session.execute(
        select(func.max(Label.created_at), func.count(), func.sum(moment))
        .join(Prediction, Prediction.id == Label.prediction_id)
        .where(*_labelled_of(report))
    ).one()
    return None if newest is None else Given(newest, f"{count}/{moments}")


def photos(session: Session, report: DriftReport) -> int:
    """All photos of the window itself; a report's rows hold the nights pooled into it too."""
    query = select(func.count()).select_from(Prediction).where(*_photos_of(report))
    return session.scalar(query) or 0


def _labelled_of(report: DriftReport) -> tuple[ColumnElement[bool], ...]:
    """Labels of the window's photos; both sides by time, so that each is read by index."""
    return (
        Label.prediction_id >= first_id_at(report.window_start),
        Label.prediction_id < first_id_at(report.window_end),
        *_photos_of(report),
    )


def _photos_of(report: DriftReport) -> tuple[ColumnElement[bool], ...]:
    return (
        Prediction.model_id == report.model_id,
        Prediction.created_at >= report.window_start,
        Prediction.created_at < report.window_end,
    )


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
