"""What to label first, and how far the labels are. ``/v1/label-queue``.

The worker fills the queue. A label goes to ``PUT /v1/predictions/{id}/label`` of the predictor,
which stores why the photo was asked about.
"""

import datetime
import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident, IncidentKind, IncidentState
from mycovigil.db.base import first_id_at, instant_of
from mycovigil.db.model import Model
from mycovigil.db.prediction import ChosenBy, Label, LabelRequest, Prediction
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import label_progress
from mycovigil.models.safety import Advice, SafetyClass
from mycovigil.problem import Problem, not_found
from mycovigil.references import labelling
from mycovigil.references.labelling import Truth
from mycovigil.settings import Settings
from mycovigil_drift.access import Reader
from mycovigil_drift.pagination import MAX_LIMIT
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState
from mycovigil_web.keys import Caller

router = APIRouter(prefix="/v1/label-queue", tags=["labels"])
# Requests of an ordinary week are shown for so many weeks; then nobody will answer them.
WEEKS = 4
WEEK = 7


class QueuedPhoto(BaseModel):
    """A photo to label. ``chosen_by``: why it is asked about; ``photo``: where it is, if it is
    stored; ``label_at``: where its label goes, at the predictor."""

    prediction_id: uuid.UUID
    chosen_by: ChosenBy
    incident_id: uuid.UUID | None
    created_at: datetime.datetime
    client: str
    request_id: str
    session: str | None
    predicted: SafetyClass
    verdict: Advice
    photo: str | None
    label_at: str


class Progress(BaseModel):
    """Labelled specimens of an incident's drifted days beside what its retrain needs;
    ``dangerous``: those that were predicted deadly or poisonous."""

    incident_id: uuid.UUID
    model: str
    job_id: uuid.UUID | None
    job_state: JobState | None
    labelled: int
    needed: int
    dangerous_labelled: int
    dangerous_needed: int

    @property
    def waits(self) -> bool:
        return self.job_state in (None, JobState.WAITING_FOR_LABELS)

    @property
    def share(self) -> float:
        """Of the labels needed, by the harder of the two conditions."""
        parts = (
            (self.labelled, self.needed),
            (self.dangerous_labelled, self.dangerous_needed),
        )
        return min(min(have / need, 1.0) if need else 1.0 for have, need in parts)


class LabelQueue(BaseModel):
    """``note``: what the queue can and cannot offer; ``unanswered``: photos in the queue, with
    those beyond the limit."""

    photos_kept: bool
    note: str
    progress: list[Progress]
    unanswered: int
    items: list[QueuedPhoto]


class LabelQueueQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Photos at most.")
    incident_id: uuid.UUID | None = Field(None, description="Of this incident only.")


def queue(session: Session, settings: Settings, query: LabelQueueQuery) -> LabelQueue:
    """Unanswered photos of the open drifts, in the order in which they should be labelled, then
    those of the last weeks."""
    requests = _unanswered(session, settings, query.incident_id)
    items = _described(session, requests[: query.limit])
    kept = settings.storage.keep_photos
    return LabelQueue(
        photos_kept=kept,
        note=_note(settings, items) if items else "",
        progress=[progress(session, settings, found) for found in _open(session)],
        unanswered=len(requests),
        items=items,
    )


def give_label(
    session: Session, prediction_id: uuid.UUID, truth: Truth, *, who: Caller
) -> QueuedPhoto:
    """Label a photo that is asked about; returns it, with what the model had said.

    Raises:
        Problem: 404 if it is not asked about, 410 if its prediction was deleted.
    """
    found = answered(session, prediction_id)
    labelling.give(session, prediction_id, truth, name=who.name, prefix=who.prefix)
    return found


def answered(session: Session, prediction_id: uuid.UUID) -> QueuedPhoto:
    """A photo that was asked about, labelled or not.

    Raises:
        Problem: 404 if it is not asked about, 410 if its prediction was deleted.
    """
    request = session.get(LabelRequest, prediction_id)
    if request is None:
        raise not_found("photo in the label queue", prediction_id)
    found = _described(session, [request])
    if not found:
        detail = "The prediction was deleted with its day: nothing can be learned from its label."
        raise Problem(410, "prediction-expired", "The prediction is deleted", detail)
    return found[0]


def label_of(session: Session, prediction_id: uuid.UUID, who: Caller) -> Label | None:
    """The label that the holder of this key gave."""
    return session.scalar(
        select(Label).where(Label.prediction_id == prediction_id, Label.key_prefix == who.prefix)
    )


def progress(session: Session, settings: Settings, incident: Incident) -> Progress:
    """How far the labels of an incident are; without a job, what one would need."""
    job = session.scalar(select(RetrainJob).where(RetrainJob.incident_id == incident.id))
    have = label_progress.labelled(session, incident)
    if job is not None and job.labels_needed is not None:
        needed, dangerous = job.labels_needed, job.dangerous_needed or 0
    else:
        first = label_progress.needed_first(session, incident, settings.training)
        needed, dangerous = first.all, first.dangerous
    return Progress(
        incident_id=incident.id,
        model=session.get_one(Model, incident.model_id).version,
        job_id=job.id if job else None,
        job_state=JobState(job.state) if job else None,
        labelled=have.all,
        needed=needed,
        dangerous_labelled=have.dangerous,
        dangerous_needed=dangerous,
    )


def _open(session: Session) -> Sequence[Incident]:
    return session.scalars(
        select(Incident)
        .where(Incident.state != IncidentState.RESOLVED, Incident.kind == IncidentKind.DRIFT)
        .order_by(Incident.opened_at.desc())
    ).all()


def _unanswered(
    session: Session, settings: Settings, incident_id: uuid.UUID | None
) -> Sequence[LabelRequest]:
    """A random one is answered by a label that was given after it was asked for: what people label
    unasked is no random sample."""
    label = select(Label.id).where(Label.prediction_id == LabelRequest.prediction_id)
    at_random = LabelRequest.chosen_by == ChosenBy.RANDOM
    asked = label.where(Label.chosen_by == ChosenBy.RANDOM)
    unanswered = (at_random & ~asked.exists()) | (~at_random & ~label.exists())
    return session.scalars(
        select(LabelRequest)
        .where(unanswered, _current(settings, incident_id))
        .order_by(
            LabelRequest.incident_id.is_(None), LabelRequest.position, LabelRequest.prediction_id
        )
    ).all()


def _current(settings: Settings, incident_id: uuid.UUID | None) -> ColumnElement[bool]:
    if incident_id is not None:
        return LabelRequest.incident_id == incident_id
    unresolved = select(Incident.id).where(Incident.state != IncidentState.RESOLVED)
    now = datetime.datetime.now(tz=datetime.UTC)
    weekly = LabelRequest.incident_id.is_(None) & (
        LabelRequest.prediction_id >= first_id_at(now - WEEKS * WEEK * settings.period)
    )
    return LabelRequest.incident_id.in_(unresolved) | weekly


def _described(session: Session, requests: Sequence[LabelRequest]) -> list[QueuedPhoto]:
    """With what is logged of each; those whose rows retention has deleted are left out."""
    if not requests:
        return []
    moments = [instant_of(request.prediction_id) for request in requests]
    rows = session.scalars(
        select(Prediction).where(
            Prediction.id.in_([request.prediction_id for request in requests]),
            Prediction.created_at.between(min(moments), max(moments)),
        )
    )
    known = {row.id: row for row in rows}
    return [
        _item(request, known[request.prediction_id])
        for request in requests
        if request.prediction_id in known
    ]


def _item(request: LabelRequest, row: Prediction) -> QueuedPhoto:
    return QueuedPhoto(
        prediction_id=row.id,
        chosen_by=ChosenBy(request.chosen_by),
        incident_id=request.incident_id,
        created_at=row.created_at,
        client=row.client,
        request_id=row.request_id,
        session=row.group_key,
        predicted=SafetyClass(row.label),
        verdict=Advice(row.verdict),
        photo=f"/v1/photos/{row.image_sha256}" if row.image_key else None,
        label_at=f"/v1/predictions/{row.id}/label",
    )


def _note(settings: Settings, items: Sequence[QueuedPhoto]) -> str:
    stored = sum(item.photo is not None for item in items)
    if stored == len(items):
        return ""
    if settings.storage.keep_photos:
        return (
            f"{len(items) - stored} of these photos were not kept, or were deleted after "
            f"{settings.storage.photo_retention_days} days. Whoever sent them finds them by "
            "request id, session and time."
        )
    return (
        "Photos are not kept (MYCOVIGIL_STORAGE_KEEP_PHOTOS is off). The queue says which answers "
        "to label, by id, client, request id, session and time; it cannot show the photos. Whoever "
        "sent them can label them; without the photo nobody can, and the retrain waits."
    )


@router.get("", summary="What to label first")
def get_queue(
    session: Reading, state: AppState, _: Reader, query: Annotated[LabelQueueQuery, Query()]
) -> LabelQueue:
    """A third of each incident's photos is a random sample of its drifted days; outside of
    incidents a few of each week are. Only those say how often the model errs."""
    return queue(session, state.settings, query)
