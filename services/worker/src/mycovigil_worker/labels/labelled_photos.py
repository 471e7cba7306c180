"""The labelled photos of a window: what was answered, what is true, and which of them count."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at
from mycovigil.db.prediction import ChosenBy, Label, Prediction
from mycovigil.db.report import DriftReport
from mycovigil.models.safety import Advice, SafetyClass
from mycovigil.references import ground_truth


@dataclass(frozen=True, slots=True)
class Answered:
    """A labelled photo: the truth, the class predicted, and the advice given;
    ``specimen``: what it shares with other photos of the same one, none if nothing is known of it;
    ``chosen_by``: why its label was asked for, none if the caller chose it."""

    truth: SafetyClass
    predicted: SafetyClass
    verdict: Advice
    specimen: str | None = None
    photo: str = ""
    chosen_by: ChosenBy | None = None

    @property
    def random(self) -> bool:
        return self.chosen_by is ChosenBy.RANDOM

    @property
    def missed(self) -> bool:
        """Deadly, and the advice was neither ``avoid`` nor ``cannot_tell``."""
        return self.truth is SafetyClass.DEADLY and self.verdict is Advice.EXPERT_CHECK


def counted(rows: list[Answered]) -> list[Answered]:
    """The rows that say how often the model errs: those chosen at random. What callers chose by
    themselves may be the conspicuous ones, and what was asked for because the model may err is:
    models learn from them, and no figure counts them."""
    return [row for row in rows if row.random]


@dataclass(frozen=True, slots=True)
class Given:
    """``newest``: when the last label of a window was given or changed; ``mark``: changes with
    any of them, also with one that was given earlier and committed later."""

    newest: datetime
    mark: str


def answered(session: Session, report: DriftReport) -> list[Answered]:
    """The labelled photos of a report's window, guesses left out. A photo was chosen at random if
    any of its labels says so; photos of one session are one specimen, and so are the same bytes."""
    at_random = func.bool_or(func.coalesce(Label.chosen_by == ChosenBy.RANDOM, False))
    rows = session.execute(
        select(
            Label.label,
            Prediction.label,
            Prediction.verdict,
            func.coalesce(Prediction.group_key, Prediction.image_sha256),
            Prediction.id,
            case(
                (at_random.over(partition_by=Label.prediction_id), ChosenBy.RANDOM),
                else_=Label.chosen_by,
            ),
        )
        .join(Prediction, Prediction.id == Label.prediction_id)
        .where(ground_truth.trusted(), *_labelled_of(report))
        .ext(distinct_on(Label.prediction_id))
        .order_by(Label.prediction_id, *ground_truth.weightiest_first())
    )
    return [
        Answered(
            SafetyClass(truth),
            SafetyClass(predicted),
            Advice(verdict),
            specimen,
            str(photo),
            ChosenBy(chosen_by) if chosen_by else None,
        )
        for truth, predicted, verdict, specimen, photo, chosen_by in rows
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
