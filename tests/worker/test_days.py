"""Days are the unit of calm: which nights are learned, enter the baseline, page, or inform."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.model import make_model
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from factories.reference_set import make_reference_set
from sqlalchemy import delete, func, select, update

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines import sketches
from mycovigil.baselines.baseline import EntryRule
from mycovigil.db.alert import Incident
from mycovigil.db.baseline import Baseline, BaselineDay, DayGeometry, DaySketch
from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil.incidents import incident, skew
from mycovigil.models import bundle as bundles
from mycovigil_worker.days import baseline_rows, geometry, preparation
from mycovigil_worker.nights import nightly
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
ROWS = 60


def after(nights: int) -> datetime.datetime:
    return FIRST + nights * PERIOD + datetime.timedelta(hours=1)


def with_drift(state: State, **values: object) -> State:
    drift = state.settings.drift.model_copy(update=values)
    return dataclasses.replace(state, settings=state.settings.model_copy(update={"drift": drift}))


def judged(state: State, shifts: list[float], *, served: Served | None = None) -> list[DriftReport]:
    """The nights' reports, in order."""
    with state.sessions.begin() as session:
        served = served or make_served(session)
        for number, shift in enumerate(shifts):
            make_night(session, served, night_of(number), rows=ROWS, shift=shift)
    nightly.run(state, now=after(len(shifts)))
    with state.sessions() as session:
        nights = select(DriftReport).where(DriftReport.periods == 1)
        return list(session.scalars(nights.order_by(DriftReport.window_end)))


def entered(state: State) -> list[BaselineDay]:
    with state.sessions() as session:
        return list(session.scalars(select(BaselineDay).order_by(BaselineDay.day_start)))


def incidents(state: State, kind: str) -> int:
    with state.sessions() as session:
        found = select(func.count()).select_from(Incident).where(Incident.kind == kind)
        return session.scalar(found) or 0


def test_the_first_days_are_learned_and_never_page(state: State) -> None:
    found = judged(state, [0.0, 0.0, 3.0, 0.0])
    assert [row.verdict for row in found] == ["learning", "learning", "learning", "calm"]
    assert [row.days for row in found] == [0, 1, 2, 3]
    assert [row.evidence["days"]["learning"] for row in found[:3]] == [
        f"learning, day {number} of 3" for number in (1, 2, 3)
    ]
    assert incidents(state, "drift") == 0
    assert [day.rule for day in entered(state)] == [EntryRule.START_UP] * 3 + [EntryRule.CALM]


def test_a_night_that_pages_and_those_of_its_incident_enter_nothing(state: State) -> None:
    found = judged(state, [0.0, 0.0, 0.0, 2.0, 0.0])
    assert [row.verdict for row in found[3:]] == ["drift", "calm"]
    assert incidents(state, "drift") == 1
    assert [day.day_start for day in entered(state)] == [FIRST + n * PERIOD for n in range(3)]
    drift = found[3]
    assert drift.p_days is not None
    assert drift.p_rows is not None
    assert drift.p_value == max(drift.p_days, drift.p_rows)
    assert (drift.rank, drift.days) == (1, 3)
    assert (drift.ratio or 0) > (drift.detectable or 0) > 1
    assert (found[4].detectable or 0) > (found[4].ratio or 0)


def test_a_baseline_that_stands_still_marks_outliers_and_freezes_its_rows(state: State) -> None:
    small = with_drift(state, baseline_days=4)
    judged(small, [0.0] * 4)
    days = entered(state)
    with state.sessions() as session:
        current = session.scalars(select(Baseline)).one()
        assert current.standing_since is not None
        assert all(0 < (day.outlier_p or 0) <= 1 for day in days)
        assert state.storage.exists(baseline_rows.key_of(current.id))
        served = Served(
            session.scalars(select(Model)).one(),
            geometry.training_set(session, encoder_id=current.encoder_id),  # type: ignore[arg-type]
        )
    with state.sessions.begin() as session:
        session.execute(delete(Prediction))  # retention
        make_night(session, served, night_of(4), rows=ROWS, shift=2.0)
    nightly.run(small, now=after(5))
    with state.sessions() as session:
        last = session.scalars(select(DriftReport).order_by(DriftReport.window_end.desc())).first()
    assert last is not None
    assert (last.verdict, last.days) == ("drift", 4)
    assert last.p_rows is not None
    assert len(entered(state)) == 4


@pytest.mark.whole
def test_of_an_accepted_new_normal_as_many_days_count_as_the_setting_says(state: State) -> None:
    """An incident of five nights, and a baseline that holds three days."""
    small = with_drift(state, baseline_days=3)
    judged(small, [0.0] * 3 + [2.0] * 5)
    with state.sessions.begin() as session:
        incident.accept(session, session.scalars(select(Incident)).one(), who="ada", reason="club")
        served = Served(
            session.scalars(select(Model)).one(), session.scalars(select(ReferenceSet)).one()
        )
        make_night(session, served, night_of(8), rows=ROWS, shift=2.0)
    nightly.run(small, now=after(9))
    with state.sessions() as session:
        last = session.scalars(select(DriftReport).order_by(DriftReport.window_end.desc())).first()
        current = session.scalars(select(Baseline).where(Baseline.ended_at.is_(None))).one()
        days = [day.day_start for day in baselines.days(session, current)]
    assert last is not None
    assert (last.verdict, last.days) == ("calm", 3)
    assert days == [night_of(number).start for number in (5, 6, 7)]
    assert current.standing_since is not None


def test_where_retention_took_rows_the_days_decide_and_the_report_says_so(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
    make_baseline(state, served, rows=ROWS)
    (report,) = judged(state, [2.0], served=served)
    assert (report.verdict, report.p_rows) == ("drift", None)
    assert report.p_value == report.p_days
    assert report.evidence["days"]["notes"] == [baseline_rows.GONE]


def test_a_withdrawn_day_is_not_compared_with(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
    begun = make_baseline(state, served, rows=ROWS, days=4)
    with state.sessions.begin() as session:
        current = session.get_one(Baseline, begun.id)
        baselines.withdraw(session, current, FIRST - PERIOD, who="ada", reason="a school class")
    (report,) = judged(state, [0.0], served=served)
    assert report.days == 3


def test_a_sketch_of_another_geometry_is_named_and_never_compared(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
    make_baseline(state, served, rows=ROWS, days=3)
    with state.sessions.begin() as session:
        row = session.scalars(select(DaySketch).where(DaySketch.model_id.is_(None))).first()
        assert row is not None
        geometry_row = session.scalars(select(DayGeometry)).one()
        span = (row.day_start, row.day_end)
        arrays = sketches.load(session, row.geometry_id, None, [span])[span].arrays
        arrays["units.location"] = arrays["units.location"] + [0, 1]  # another fingerprint
        session.delete(row)
        session.flush()
        sketches.store(session, geometry_row, None, span, rows=60, units=60, arrays=arrays)
    (report,) = judged(state, [0.0], served=served)
    assert report.verdict == "failed"
    assert "two geometries" in str(report.problem)


def test_a_lasting_difference_is_a_skew_once_and_no_drift(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
    make_baseline(state, served, rows=ROWS, shift=1.0)
    found = judged(state, [1.0, 1.0], served=served)
    assert [row.verdict for row in found] == ["calm", "calm"]
    assert all(row.evidence["skew"]["large"] for row in found)
    assert (incidents(state, "skew"), incidents(state, "drift")) == (1, 0)
    with state.sessions.begin() as session:
        incident = session.scalars(select(Incident)).one()
        skew.accept(session, incident, who="ada", note="phones, not cameras")
        assert (incident.state, incident.ended_by) == ("resolved", "accepted")
        report = session.get_one(DriftReport, found[0].id)
        head = make_model(session, encoder=None, encoder_id=served.model.encoder_id)
        assert skew.respond(session, head, report) is None


def test_the_cause_is_what_changed_since_the_days_and_not_the_skew(state: State) -> None:
    """The camera differs from the training set's every night; one night new species come."""
    dark: dict[str, Any] = {"brightness": 0.2, "sharpness": -4.0}
    with state.sessions.begin() as session:
        served = make_served(session)
        for number in range(5):
            make_night(session, served, night_of(number), rows=ROWS, **dark)
        make_night(session, served, night_of(4), rows=ROWS // 3, shift=3.0, seed=7, **dark)
    nightly.run(state, now=after(5))
    with state.sessions() as session:
        last = session.scalars(select(DriftReport).order_by(DriftReport.window_end.desc())).first()
    assert last is not None
    assert (last.verdict, last.cause) == ("drift", "novel_species")


def test_a_day_ends_at_midnight_of_the_zone(state: State) -> None:
    local = with_drift(state, zone="America/New_York")
    with state.sessions.begin() as session:
        served = make_served(session, since=FIRST + datetime.timedelta(hours=4))
        make_night(session, served, night_of(0), rows=24 * 5)
        make_night(session, served, night_of(1), rows=24 * 5)
    nightly.run(local, now=after(2))
    with state.sessions() as session:
        reports = session.scalars(select(DriftReport).order_by(DriftReport.window_end)).all()
    assert [row.window_start.hour for row in reports] == [4]
    assert [row.rows for row in reports] == [24 * 5]
    assert [day.day_start.hour for day in entered(state)] == [4]


def test_a_group_over_midnight_counts_on_both_days(state: State) -> None:
    """A clock that jumps moves photos to another day; each is sketched where it was logged."""
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), rows=ROWS)
        make_night(session, served, night_of(1), rows=ROWS)
        late = select(Prediction.id).order_by(Prediction.created_at.desc()).limit(ROWS + 5)
        session.execute(
            update(Prediction).where(Prediction.id.in_(late)).values(group_key="one walk")
        )
    nightly.run(state, now=after(2))
    with state.sessions() as session:
        rows = session.scalars(
            select(DaySketch).where(DaySketch.model_id.is_(None)).order_by(DaySketch.day_start)
        ).all()
    assert [(row.rows, row.units) for row in rows] == [(ROWS, ROWS - 4)]


@pytest.mark.whole
def test_a_week_that_alarms_withdraws_its_days_that_had_entered(state: State) -> None:
    """Each night by itself is calm and enters; together they are not."""
    start = -27
    with state.sessions.begin() as session:
        served = make_served(session, since=FIRST + start * PERIOD)
    baseline = make_baseline(state, served, days=14, rows=ROWS, end=FIRST + start * PERIOD)
    with state.sessions.begin() as session:
        for number in range(start, start + 14):
            make_night(session, served, night_of(number), rows=ROWS, shift=0.25)
    nightly.run(with_drift(state, windows=(1, 7)), now=FIRST + (start + 14) * PERIOD * 1.01)
    with state.sessions() as session:
        drifted = session.scalars(
            select(DriftReport).where(DriftReport.periods == 7, DriftReport.verdict == "drift")
        ).first()
    assert drifted is not None
    inside = [
        day
        for day in entered(state)
        if drifted.window_start <= day.day_start < drifted.window_end
        and day.baseline_id == baseline.id
    ]
    assert inside
    assert {day.withdrawn_reason for day in inside} == {"one of 7 nights that drifted together"}
    assert {day.withdrawn_by for day in inside} == {"mycovigil"}
    assert incidents(state, "drift") == 1


def test_a_long_window_informs_while_the_baseline_is_short(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, since=FIRST - 27 * PERIOD)
    make_baseline(state, served, rows=ROWS, end=FIRST - 27 * PERIOD)
    start = -27
    with state.sessions.begin() as session:
        for number in range(start, start + 14):
            make_night(session, served, night_of(number), rows=ROWS, shift=0.25)
    nightly.run(with_drift(state, windows=(7,)), now=FIRST + (start + 14) * PERIOD * 1.01)
    with state.sessions() as session:
        weeks = session.scalars(select(DriftReport).where(DriftReport.periods == 7)).all()
    assert weeks
    assert all(week.evidence["days"]["informs"] for week in weeks)
    assert "drift" in {week.verdict for week in weeks}
    assert incidents(state, "drift") == 0


def test_at_a_promotion_the_prediction_parts_are_made_anew_from_stored_features(
    state: State, tmp_path: Path
) -> None:
    bundle = make_bundle(tiny_encoder_folder(tmp_path / "tiny"))
    width = bundle.meta.dimension
    with state.sessions.begin() as session:
        served = make_served(session, dimension=width)
        for number in range(3):
            make_night(session, served, night_of(number), rows=ROWS, dimension=width)
    nightly.run(state, now=after(3))
    with state.sessions.begin() as session:
        data = bundle.to_bytes()
        head = make_model(
            session,
            encoder=None,
            encoder_id=served.model.encoder_id,
            artifact_uri=state.storage.write(bundles.key_of(bundle.meta.version), data),
            artifact_sha256=bundles.digest(data),
        )
        make_reference_set(session, head, rows=120, dimension=width)
        make_night(session, Served(head, served.reference), night_of(3), rows=ROWS, dimension=width)
        session.expunge(head)
    scale = NoveltyScale(head.id)
    prepared = preparation.prepare(state, head.id, night_of(3), scale)
    assert prepared.problem is None
    with state.sessions() as session:
        made = select(DaySketch.day_start).where(DaySketch.model_id == head.id)
        days = session.scalars(made.order_by(DaySketch.day_start)).all()
    assert list(days) == [FIRST + n * PERIOD for n in range(4)]
