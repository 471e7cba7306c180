"""What is asked about: a third at random, the rest where the model is in doubt."""

import itertools
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import numpy as np
import pytest
from factories.counted import counted
from factories.incident import make_incident
from factories.label import make_labels
from factories.night import Served, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import ColumnElement, Text, cast, func, select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.prediction import ChosenBy, LabelRequest, Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.references.window import Window
from mycovigil_statistics.safety.e_value import e_values_above
from mycovigil_statistics.safety.proportions import lower_bound
from mycovigil_worker.label_queue import candidates, fill
from mycovigil_worker.label_queue.candidates import Days
from mycovigil_worker.state import State

# The week of the drifted night is not over.
NOW = datetime(2026, 9, 2, 23, tzinfo=UTC)
ROWS = 300
# Uniform, and the same at every look: these photos, each a specimen, have the lowest first.
DRAWN: ColumnElement[int] = func.hashtextextended(Prediction.image_sha256, 1)


@pytest.fixture
def served(state: State) -> Served:
    """A night of drift with an open incident."""
    with state.sessions.begin() as session:
        served = make_served(session, rows=40)
        session.execute(update(ReferenceSample).values(label="edible"))
        make_night(session, served, night_of(1), rows=ROWS)
        report = make_report(
            session, served.model, served.reference, night=1, verdict=ReportVerdict.DRIFT
        )
        make_incident(session, report)
        return served


def queue(session: Session) -> Sequence[LabelRequest]:
    return session.scalars(select(LabelRequest).order_by(LabelRequest.position)).all()


def test_a_third_is_the_random_sample_of_the_drifted_days(state: State, served: Served) -> None:
    assert fill.run(state, now=NOW) == 75, "half as many more as labels are needed"
    assert fill.run(state, now=NOW) == 0
    with state.sessions() as session:
        asked = queue(session)
        first = session.scalars(select(Prediction.id).order_by(DRAWN).limit(25)).all()
    reasons = [request.chosen_by for request in asked]
    assert {one.prediction_id for one in asked if one.chosen_by == "random"} == set(first)
    assert reasons[::3] == ["random"] * 25, "whoever stops early has answered a third of them"
    counts = Counter(reasons)
    assert counts["random"] == 25
    assert min(counts[name] for name in ("risk", "novel_cluster", "disagreement")) >= 15
    assert len({one.prediction_id for one in asked}) == 75


def test_what_was_answered_is_replaced_and_chance_keeps_its_third(
    state: State, served: Served
) -> None:
    fill.run(state, now=NOW)
    with state.sessions.begin() as session:
        make_labels(session, [one.prediction_id for one in queue(session)[:30]])
        make_night(session, served, night_of(2), rows=ROWS)
        make_report(session, served.model, served.reference, night=2, verdict=ReportVerdict.DRIFT)
        assert (
            fill.of_incident(session, session.scalars(select(Incident)).one(), state.settings) == 0
        )
        answered = [one.prediction_id for one in queue(session)[30:45]]
        make_labels(session, answered)
    assert fill.run(state, now=NOW) == 0, "30 open are half as many more as the five that lack"
    with state.sessions.begin() as session:
        make_labels(session, [one.prediction_id for one in queue(session)[45:70]])
        incident = session.scalars(select(Incident)).one()
        assert fill.of_incident(session, incident, state.settings) == 10
        asked = queue(session)
        by_chance = [one for one in asked if one.chosen_by == "random"]
        assert len(by_chance) == -(-len(asked) // 3)
        keys = select(DRAWN).order_by(DRAWN)
        new = {one.prediction_id for one in by_chance[25:]}
        mine = session.scalars(select(DRAWN).where(Prediction.id.in_(new)))
        assert max(mine) <= session.scalars(keys.offset(24 + len(new)).limit(1)).one()


def test_doubt_has_three_reasons(state: State, served: Served) -> None:
    """One photo is surely deadly, one in a new cluster, one unlike its neighbours."""
    with state.sessions.begin() as session:
        photos = session.scalars(select(Prediction.id).order_by(Prediction.created_at)).all()
        alike = Prediction.id != photos[2]
        session.execute(update(Prediction).where(alike).values(label="edible"))
        sure = {"probabilities": [0.0, 0.0, 0.01, 0.99]}
        session.execute(update(Prediction).where(Prediction.id == photos[0]).values(**sure))
        session.execute(
            update(Prediction)
            .where(Prediction.id == photos[2])
            .values(label="poisonous", sample_key=0.0)
        )
        report = session.scalars(select(DriftReport)).one()
        report.evidence = {
            "clusters": [
                {"cluster": 0, "change": "gone", "photos": [str(photos[5])]},
                {"cluster": 1, "change": "new", "photos": [str(photos[1])]},
            ]
        }
        report.gallery = [{"prediction_id": str(photos[3]), "score": 3.0}]
        session.flush()
        days = Days.of(session, session.scalars(select(Incident)).one())
        found = {name: list(ones) for name, ones in candidates.doubtful(session, days, 3).items()}
    assert found[ChosenBy.RISK][0] == photos[0]
    assert found[ChosenBy.NOVEL_CLUSTER][:2] == [photos[1], photos[3]]
    assert found[ChosenBy.DISAGREEMENT] == [photos[2]]
    assert {name: len(ones) for name, ones in found.items()} == {
        ChosenBy.RISK: 3,
        ChosenBy.NOVEL_CLUSTER: 3,
        ChosenBy.DISAGREEMENT: 1,
    }


@pytest.mark.parametrize("column", ["group_key", "image_sha256"])
def test_a_specimen_is_asked_about_once_by_its_photo_with_the_lowest_hash(
    state: State, served: Served, column: str
) -> None:
    with state.sessions.begin() as session:
        session.execute(update(Prediction).values({column: "one specimen"}))
        photos = session.scalars(select(Prediction.id)).all()
    fill.run(state, now=NOW)
    fill.run(state, now=NOW)
    with state.sessions() as session:
        random = [one.prediction_id for one in queue(session) if one.chosen_by == "random"]
        others = [one for one in queue(session) if one.chosen_by != "random"]
    assert random == [min(photos, key=lambda photo: sha256(str(photo).encode()).hexdigest())]
    if column == "group_key":
        assert others == []


@pytest.mark.parametrize("apart", ["no", "time", "key"])
def test_a_burst_is_drawn_like_one_photo_by_that_with_the_lowest_hash(
    state: State, apart: str
) -> None:
    """Near-equal photos of one key within minutes; further apart each is a specimen."""
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        long = timedelta(hours=24) if apart == "time" else timedelta(minutes=5)
        window = Window(night_of(0).start, night_of(0).start + long)
        make_night(session, served, window, rows=30, fingerprint=bytes(56), key_prefix="a1")
        if apart == "key":
            own = {"key_prefix": cast(Prediction.id, Text)}
            session.execute(update(Prediction).values(own))
        photos = session.scalars(select(Prediction.id)).all()
        days = Days(served.model, (Prediction.model_id == served.model.id,))
        found = candidates.random(session, days, 30)
    lowest = min(photos, key=lambda photo: sha256(str(photo).encode()).hexdigest())
    assert sorted(found) == (sorted(photos) if apart != "no" else [lowest])


@counted("lives", 40, 1_000)
def test_a_promise_about_specimens_holds_where_some_have_many_photos(
    state: State, monkeypatch: pytest.MonkeyPatch, lives: int
) -> None:
    """One specimen in twenty is missed, as promised, and those have three times as many photos. In
    a life 500 are drawn and labelled; exact bound at 1 in 10,000."""
    bound, missed, sound = 0.05, 60, 1_140
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        make_night(session, served, night_of(0), rows=3 * missed + sound)
        rows = session.scalars(select(Prediction.id).order_by(Prediction.id)).all()
        for number, photo in enumerate(rows[: 3 * missed]):
            specimen = {"group_key": f"missed {number % missed}"}
            session.execute(update(Prediction).where(Prediction.id == photo).values(specimen))
    days = Days(served.model, (Prediction.model_id == served.model.id,))
    lost = set(rows[: 3 * missed])
    refuted = drawn = 0
    with state.sessions() as session:
        for life in range(lives):
            monkeypatch.setattr(candidates, "SEED", life)
            asked = [photo in lost for photo in candidates.random(session, days, 500)]
            refuted += float(e_values_above(bound, asked).max()) >= 20
            drawn += sum(asked)
    assert lower_bound(refuted, lives, 1e-4) <= 0.05
    assert lower_bound(drawn, 500 * lives, 1e-4) <= bound


def test_chance_picks_what_was_asked_or_labelled_for_another_reason(
    state: State, served: Served
) -> None:
    with state.sessions.begin() as session:
        first = session.scalars(select(Prediction.id).order_by(DRAWN).limit(2)).all()
        incident = session.scalars(select(Incident)).one()
        earlier = LabelRequest(
            prediction_id=first[0], chosen_by="risk", model_id=served.model.id,
            incident_id=incident.id, position=0,
        )  # fmt: skip
        session.add(earlier)
        make_labels(session, first[1:])
    fill.run(state, now=NOW)
    with state.sessions() as session:
        chosen = {one.prediction_id: one.chosen_by for one in queue(session)}
    assert [chosen[one] for one in first] == ["random", "random"]


def weekly(state: State, now: datetime) -> list[uuid.UUID]:
    fill.run(state, now=now)
    with state.sessions() as session:
        asked = select(LabelRequest.prediction_id).where(LabelRequest.incident_id.is_(None))
        return sorted(session.scalars(asked))


def test_a_few_photos_of_every_full_week_are_asked_about(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        for night in range(12):  # 1 September 2026 is a Tuesday; weeks end before Thursdays
            make_night(session, served, night_of(night), rows=30)
        week = [night_of(n).start for n in (2, 9)]
        inside = (Prediction.created_at >= week[0]) & (Prediction.created_at < week[1])
        photos = select(Prediction.id).where(inside).order_by(DRAWN).limit(10)
        expected = sorted(session.scalars(photos))
    assert weekly(state, week[1] + timedelta(hours=1)) == expected
    assert weekly(state, week[1] + timedelta(days=6)) == expected
    assert len(weekly(state, week[1] + timedelta(days=8))) == 20


def test_where_a_night_is_drawn_at_once_a_seventh_is_asked_about_every_night(
    state: State,
) -> None:
    training = state.settings.training.model_copy(update={"random_labels_nights": 1})
    nightly = state.settings.model_copy(update={"training": training})
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        for night in range(2):
            make_night(session, served, night_of(night), rows=30)
    added = []
    for hours in (1, 12, 25):
        with state.sessions.begin() as session:
            now = night_of(1).start + timedelta(hours=hours)
            added.append(fill.of_week(session, nightly, now))
    assert added == [2, 0, 2]


@pytest.mark.parametrize("why", ["resolved", "archived", "skew"])
def test_nothing_is_asked_where_nothing_is_to_be_learned(
    state: State, served: Served, why: str
) -> None:
    with state.sessions.begin() as session:
        if why == "archived":
            session.execute(update(Model).values(status="archived"))
        elif why == "skew":
            session.execute(update(Incident).values(kind="skew"))
        else:
            session.execute(update(Incident).values(state="resolved"))
    assert fill.run(state, now=NOW) == 0


def test_photos_to_choose_from_are_spread_over_the_reasons() -> None:
    one, two, three = (uuid.UUID(int=n) for n in range(3))
    lists = {
        ChosenBy.RISK: iter([one, two]),
        ChosenBy.NOVEL_CLUSTER: iter([one, three]),
        ChosenBy.DISAGREEMENT: iter([two]),
    }
    found = list(itertools.islice(fill._round_robin(lists, set()), 5))
    assert found == [
        (one, ChosenBy.RISK),
        (three, ChosenBy.NOVEL_CLUSTER),
        (two, ChosenBy.DISAGREEMENT),
    ]
    assert np.unique([reason for _, reason in found]).size == 3
