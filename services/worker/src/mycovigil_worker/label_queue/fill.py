"""Fills the label queue: of each drift that a model has still to learn, and of every week."""

import math
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.base import first_id_at
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.prediction import ChosenBy, Label, LabelRequest, Prediction
from mycovigil.db.retrain import RetrainJob
from mycovigil.incidents import label_progress
from mycovigil.incidents.open_drifts import drifts_of_production
from mycovigil.references.window import Nights
from mycovigil.settings import Settings
from mycovigil_worker.label_queue import candidates
from mycovigil_worker.label_queue.candidates import Days
from mycovigil_worker.state import State

WEEK = 7
# More photos are asked about than labels are needed: some cannot be told, some are guesses.
SPARE = 1.5
LEAST_OPEN, MOST_OPEN = 15, 150
# Every third photo in the queue is there by chance.
THIRD = 3

Chosen = tuple[uuid.UUID, ChosenBy]
log = structlog.get_logger(__name__)


def run(state: State, *, now: datetime) -> int:
    """Add photos to the queue where too few are unanswered; returns how many."""
    with state.sessions() as session:
        drifts = session.scalars(
            select(Incident.id)
            .join(Model, Model.id == Incident.model_id)
            .where(*drifts_of_production())
        ).all()
    added = 0
    for identifier in drifts:
        with state.sessions.begin() as session:
            added += of_incident(session, session.get_one(Incident, identifier), state.settings)
    with state.sessions.begin() as session:
        added += of_week(session, state.settings, now)
    if added:
        log.info("labels are asked for", photos=added)
    return added


def of_incident(session: Session, incident: Incident, settings: Settings) -> int:
    """Ask about photos of the drifted days, a third of them at random, until half as many more are
    unanswered than labels are needed; returns how many were added."""
    total, chance, unanswered = _asked(session, incident)
    wanted = _wanted(session, incident, settings) - unanswered
    if wanted <= 0:
        return 0
    days = Days.of(session, incident)
    by_chance = max(math.ceil((total + wanted) / THIRD) - chance, 0)
    by_doubt = max(wanted - by_chance, 0)
    picked = candidates.random(session, days, by_chance)
    lists = candidates.doubtful(session, days, by_doubt, besides=picked)
    doubted = _round_robin(lists, set(picked))
    order = _interleaved(picked, list(islice(doubted, by_doubt)))
    return _write(session, days.model, incident.id, order, first=total)


def of_week(session: Session, settings: Settings, now: datetime) -> int:
    """Ask about a few photos of the production model, at random: of the last full week that has
    any, or of fewer nights if the settings say so."""
    model = session.scalar(
        select(Model).where(Model.status == ModelStatus.PRODUCTION, Model.demo.is_(False))
    )
    if model is None:
        return 0
    nights = settings.training.random_labels_nights
    tiles = Nights(nights * settings.period)
    grace = timedelta(seconds=settings.drift.grace_seconds)
    newest = session.scalar(
        select(func.max(Prediction.created_at)).where(
            Prediction.model_id == model.id,
            Prediction.created_at < tiles.containing(now - grace).start,
        )
    )
    if newest is None:
        return 0
    start, end = tiles.containing(newest).span
    before = session.scalar(
        select(func.count())
        .select_from(LabelRequest)
        .where(
            LabelRequest.incident_id.is_(None),
            LabelRequest.prediction_id >= first_id_at(start),
            LabelRequest.prediction_id < first_id_at(end),
        )
    )
    if before:
        return 0
    inside = (
        Prediction.model_id == model.id,
        Prediction.created_at >= start,
        Prediction.created_at < end,
    )
    most = math.ceil(settings.training.random_labels_a_week * nights / WEEK)
    photos = candidates.random(session, Days(model, inside), most)
    return _write(session, model, None, [(one, ChosenBy.RANDOM) for one in photos], first=0)


def _asked(session: Session, incident: Incident) -> tuple[int, int, int]:
    """Photos of the incident that were asked about, those by chance, and those without a label."""
    labels = select(Label.id).where(Label.prediction_id == LabelRequest.prediction_id)
    total, chance, unanswered = session.execute(
        select(
            func.count(),
            func.count().filter(LabelRequest.chosen_by == ChosenBy.RANDOM),
            func.count().filter(~labels.exists()),
        ).where(LabelRequest.incident_id == incident.id)
    ).one()
    return total, chance, unanswered


def _wanted(session: Session, incident: Incident, settings: Settings) -> int:
    """How many photos should be unanswered; none when a candidate may be trained."""
    job = session.scalar(select(RetrainJob).where(RetrainJob.incident_id == incident.id))
    needed = job.labels_needed if job and job.labels_needed else settings.training.labels_needed
    missing = needed - label_progress.labelled(session, incident).all
    return min(max(math.ceil(missing * SPARE), LEAST_OPEN), MOST_OPEN)


def _round_robin(
    lists: dict[ChosenBy, Iterator[uuid.UUID]], taken: set[uuid.UUID]
) -> Iterator[Chosen]:
    """One of each list in turn, until all are empty; none twice."""
    while lists:
        for reason in tuple(lists):
            found = next((one for one in lists[reason] if one not in taken), None)
            if found is None:
                del lists[reason]
                continue
            taken.add(found)
            yield found, reason


def _interleaved(by_chance: Sequence[uuid.UUID], by_doubt: Sequence[Chosen]) -> list[Chosen]:
    """A random photo, then two others, and so on: whoever stops early has answered a third of
    random ones as well."""
    chance, doubt = iter(by_chance), iter(by_doubt)
    order: list[Chosen] = []
    while True:
        block = [(one, ChosenBy.RANDOM) for one in islice(chance, 1)]
        block += islice(doubt, THIRD - 1)
        if not block:
            return order
        order += block


def _write(
    session: Session,
    model: Model,
    incident_id: uuid.UUID | None,
    order: Sequence[Chosen],
    *,
    first: int,
) -> int:
    """Write the requests. A photo that is chosen at random counts as random from now on, whatever
    it was asked about for before."""
    rows = [
        {
            "prediction_id": identifier,
            "chosen_by": reason.value,
            "model_id": model.id,
            "incident_id": incident_id,
            "position": position,
        }
        for position, (identifier, reason) in enumerate(order, start=first)
    ]
    if rows:
        statement = insert(LabelRequest).values(rows)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[LabelRequest.prediction_id],
                set_={"chosen_by": statement.excluded.chosen_by},
                where=statement.excluded.chosen_by == ChosenBy.RANDOM,
            )
        )
    return len(rows)
