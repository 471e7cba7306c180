"""Reference sets from production, by season and by mixture; which one serves; comparing two."""

import datetime
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from factories.baseline import make_baseline
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.incident import make_incident
from factories.model import make_encoder, make_model
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from mycovigil.db.audit import AuditLine
from mycovigil.db.base import new_id
from mycovigil.db.encoder import Encoder
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.incidents import incident
from mycovigil.models import promotion
from mycovigil.models.bundle import Bundle, key_of
from mycovigil.references import reference_mixture, reference_set
from mycovigil.references.reference_set import NotUsable
from mycovigil.references.window import Window
from mycovigil.storage import Storage
from mycovigil_worker.cli.reference import app
from mycovigil_worker.comparisons import sets
from mycovigil_worker.days.judgement import NotComparable
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.replay import replayed
from mycovigil_worker.references import season
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)
WEEK = Window(FIRST, FIRST + 7 * PERIOD)


def with_traffic(session: Session, rows: int = 150) -> Served:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=rows)
    return served


def from_week(session: Session, served: Served, **wishes: object) -> ReferenceSet:
    values = {"name": "calm week"} | wishes
    return reference_set.from_production(session, served.model, [WEEK], **values)  # type: ignore[arg-type]


def test_a_set_from_production_holds_the_rows_and_what_people_said(session: Session) -> None:
    served = with_traffic(session)
    some = session.scalars(select(Prediction).limit(2)).all()
    for number, (row, confidence) in enumerate(zip(some, ("certain", "guess"), strict=True)):
        session.add(
            Label(
                id=new_id(),
                prediction_id=row.id,
                label="deadly",
                species="Amanita phalloides",
                confidence=confidence,
                labelled_by=f"expert {number}",
            )
        )
    session.flush()
    made = from_week(session, served)
    samples = session.scalars(
        select(ReferenceSample)
        .where(ReferenceSample.reference_set_id == made.id)
        .order_by(ReferenceSample.ordinal)
    ).all()
    assert (made.rows, len(samples), made.frozen_at) == (150, 150, None)
    assert [sample.ordinal for sample in samples] == list(range(150))
    assert [sample.species for sample in samples if sample.label] == ["Amanita phalloides"]
    assert len(made.content_hash) == 64
    assert from_week(session, served).content_hash == made.content_hash
    assert made.recipe["kind"] == "production"


def test_a_large_stretch_is_sampled(session: Session) -> None:
    assert from_week(session, with_traffic(session), rows=120).rows == 120


def test_a_stretch_that_is_no_calm_past_is_refused(session: Session) -> None:
    served = with_traffic(session)
    future = datetime.datetime.now(tz=datetime.UTC) + PERIOD
    with pytest.raises(NotUsable, match="not over yet"):
        reference_set.from_production(session, served.model, [Window(FIRST, future)], name="x")
    with pytest.raises(NotUsable, match="no stretch"):
        reference_set.from_production(session, served.model, [], name="x")
    make_report(session, served.model, served.reference, night=3, verdict=ReportVerdict.DRIFT)
    with pytest.raises(NotUsable, match="1 nights of the stretch drifted, the first on 2026-09-04"):
        from_week(session, served)
    assert from_week(session, served, accept_drift=True).rows == 150


def test_days_of_an_open_incident_are_no_reference_until_it_ends(session: Session) -> None:
    served = with_traffic(session)
    night = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
    found = make_incident(session, night)
    with pytest.raises(NotUsable, match="a drift that began on 2026-09-01 is open"):
        from_week(session, served, accept_drift=True)
    incident.accept(session, found, who="ada", reason="a club joined")
    assert from_week(session, served, accept_drift=True).rows == 150


def test_days_of_a_drift_that_another_model_took_over_are_none_either(session: Session) -> None:
    served = with_traffic(session)
    night = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
    make_incident(session, night)
    gate = {"against": str(served.model.id), "passed": True, "reason": ""}
    promotion.promote(session, make_model(session, metrics={"gate": gate}).id, decided_by="ada")
    with pytest.raises(NotUsable, match="a drift that began on 2026-09-01 is open"):
        from_week(session, served, accept_drift=True)


@pytest.mark.parametrize("periods", [7, 30])
def test_a_stretch_in_a_longer_window_that_drifted_is_refused(
    session: Session, periods: int
) -> None:
    """Each of its nights was calm."""
    served = with_traffic(session)
    make_report(
        session,
        served.model,
        served.reference,
        verdict=ReportVerdict.DRIFT,
        periods=periods,
        window_end=FIRST + periods * PERIOD,
    )
    with pytest.raises(NotUsable, match="1 windows of the stretch drifted, the first on 2026-09-0"):
        from_week(session, served)
    assert from_week(session, served, accept_drift=True).rows == 150


def test_too_few_rows_are_refused(session: Session) -> None:
    served = with_traffic(session, rows=99)
    with pytest.raises(NotUsable, match="99 predictions lie in the stretch, at least 100"):
        from_week(session, served)


def test_a_seasonal_set_serves_in_its_months_and_the_plain_one_else(session: Session) -> None:
    served = with_traffic(session)
    autumn = from_week(session, served, months=[9, 10])
    assert reference_set.active(session, FIRST)[served.model.id] is served.reference
    reference_set.freeze(session, autumn, who="test")
    session.flush()
    june = FIRST.replace(month=6)
    assert reference_set.active(session, FIRST)[served.model.id] is autumn
    assert reference_set.active(session, june)[served.model.id] is served.reference
    reference_set.retire(session, autumn, who="test")
    session.flush()
    assert reference_set.active(session, FIRST)[served.model.id] is served.reference
    with pytest.raises(NotUsable, match="was retired"):
        reference_set.freeze(session, autumn, who="test")


def with_autumn(session: Session) -> tuple[Served, ReferenceSet]:
    """A model of August, and a set of one of its nights for September."""
    served = make_served(session, since=FIRST - 9 * PERIOD)
    make_night(session, served, night_of(-8), rows=150)
    past = Window(night_of(-8).start, night_of(-8).end)
    autumn = reference_set.from_production(session, served.model, [past], name="autumn", months=[9])
    reference_set.freeze(session, autumn, who="test")
    return served, autumn


@pytest.mark.parametrize(("taken", "verdict"), [(300, "calm"), (10_000, "insufficient")])
def test_a_night_that_the_set_was_made_of_is_judged_by_its_other_photos(
    state: State, taken: int, verdict: str
) -> None:
    """Photos that taught a test what is calm fit it too well: met again they tell a drift."""
    with state.sessions.begin() as session:
        served = make_served(session, frozen=False)
        make_night(session, served, night_of(0), rows=600)
        past = [Window(night_of(0).start, night_of(0).end)]
        made = reference_set.from_production(session, served.model, past, name="late", rows=taken)
        reference_set.freeze(session, made, who="test")
    make_baseline(state, Served(served.model, made))
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
        left_out = min(taken, 600)
        assert (report.verdict, report.rows) == (verdict, 600 - left_out)
        told = str(report.problem) + str(report.evidence.get("warnings"))
        assert f"{left_out} " in told
        if verdict == "calm":
            assert replayed(session, state.storage, report.id).reproduced


def test_the_night_is_judged_against_the_set_of_its_month(state: State) -> None:
    with state.sessions.begin() as session:
        served, autumn = with_autumn(session)
        make_night(session, served, night_of(0))
        plain, seasonal = served.reference.id, autumn.id
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        found = session.scalars(
            select(DriftReport).where(DriftReport.rows > 0).order_by(DriftReport.window_end)
        ).all()
    nights = [row for row in found if row.periods == 1]
    assert [row.reference_set_id for row in nights] == [plain, seasonal]


def test_a_night_of_few_photos_waits_across_the_border_of_a_season(state: State) -> None:
    with state.sessions.begin() as session:
        served, autumn = with_autumn(session)
        make_night(session, served, night_of(-1), rows=30)
        make_night(session, served, night_of(0), rows=30)
        seasonal = autumn.id
    make_baseline(state, served, rows=30, end=FIRST - 9 * PERIOD)
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        last = session.scalars(
            select(DriftReport)
            .where(DriftReport.periods == 1)
            .order_by(DriftReport.window_end.desc())
            .limit(1)
        ).one()
    assert (last.reference_set_id, last.verdict, last.rows) == (seasonal, "calm", 60)


def test_earlier_years_are_scored_again_by_todays_model(state: State, tmp_path: Path) -> None:
    bundle = make_bundle(tiny_encoder_folder(tmp_path / "tiny"))
    with state.sessions.begin() as session:
        last_year = FIRST.replace(year=2025)
        old = make_served(session, dimension=bundle.meta.dimension, since=last_year)
        window = Window(last_year, last_year + PERIOD)
        make_night(session, old, window, rows=130, dimension=bundle.meta.dimension)
        model = make_model(session, encoder=session.get_one(Encoder, old.model.encoder_id))
        _store(state.storage, bundle, model)
        made = season.from_earlier_years(
            session, state.storage, model, [9], name="autumn", now=FIRST, years=2
        )
        sample = session.scalars(
            select(ReferenceSample).where(ReferenceSample.reference_set_id == made.id).limit(1)
        ).one()
        features = np.array(sample.features, np.float32)
        logits = bundle.weight @ (features - bundle.centre) + bundle.bias
        expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        assert made.rows == 130
        assert made.months == [9]
        assert sample.probabilities == pytest.approx(expected, abs=1e-5)
        with pytest.raises(NotUsable, match="no stretch"):
            season.from_earlier_years(
                session, state.storage, model, [9], name="x", now=last_year, years=0
            )


def _store(storage: Storage, bundle: Bundle, model: object) -> None:
    from mycovigil.models import bundle as bundles

    data = bundle.to_bytes()
    model.artifact_uri = storage.write(key_of(bundle.meta.version), data)  # type: ignore[attr-defined]
    model.artifact_sha256 = bundles.digest(data)  # type: ignore[attr-defined]


def test_a_mixture_has_the_shares_of_the_season(session: Session) -> None:
    served = make_served(session)
    shares = {"deadly": 1, "edible": 3}
    made = reference_mixture.reweighted(session, served.reference, shares, name="autumn")
    rows = session.scalars(
        select(ReferenceSample.probabilities).where(ReferenceSample.reference_set_id == made.id)
    )
    counts = Counter(int(np.argmax(row)) for row in rows)
    assert set(counts) == {0, 3}
    assert counts[0] == pytest.approx(3 * counts[3], abs=3)
    assert made.recipe["shares"] == {"deadly": 0.25, "edible": 0.75}
    with pytest.raises(NotUsable, match="no class is called toadstool"):
        reference_mixture.reweighted(session, served.reference, {"toadstool": 1}, name="x")
    with pytest.raises(NotUsable, match="must not be negative"):
        reference_mixture.reweighted(session, served.reference, {"deadly": -1}, name="x")


def test_shares_of_a_season_come_from_what_was_predicted(session: Session) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=30, label="edible")
    make_night(session, served, night_of(1), rows=10, label="deadly")
    encoder = served.model.encoder_id
    found = reference_mixture.predicted_shares(session, encoder, [WEEK])
    assert found == {"edible": 0.75, "deadly": 0.25}
    with pytest.raises(NotUsable, match="nothing was predicted"):
        reference_mixture.predicted_shares(session, encoder, [])


def test_a_set_is_compared_with_another_and_with_itself(session: Session, storage: Storage) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=150, shift=1.0)
    drifted, same = (
        sets.compared(session, storage, served.reference, other, seed=0)
        for other in (from_week(session, served), served.reference)
    )
    assert (drifted["verdict"], same["verdict"]) == ("drift", "calm")
    assert {row["name"] for row in drifted["covariates"]} >= {"brightness"}
    assert drifted["classes"]
    assert drifted["views"]


def test_sets_of_two_encoders_are_never_compared(session: Session, storage: Storage) -> None:
    reference = make_served(session).reference
    foreign = ReferenceSet(encoder_id=make_encoder(session).id)
    with pytest.raises(NotComparable, match="never compared"):
        sets.compared(session, storage, reference, foreign, seed=0)


def test_the_command_creates_lists_freezes_compares_and_retires(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.sessions.begin() as session:
        served = with_traffic(session)
        first = str(served.reference.id)
    monkeypatch.setenv("MYCOVIGIL_DATABASE_URL", state.settings.database.url.get_secret_value())
    monkeypatch.setenv("MYCOVIGIL_STORAGE_URL", state.settings.storage.url)

    def said(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    stretch = ("--from", "2026-09-01", "--to", "2026-09-08")
    made = said("create", "calm week", *stretch, "--month", "9").split()[0]
    assert "calm week" in said("list")
    assert "is frozen and serves in month 9" in said("freeze", made)
    said("freeze", made)
    found = json.loads(said("compare", first, made, "--json"))
    assert found["verdict"] == "calm"
    assert "reference serves now" in said("retire", made)
    said("retire", made)
    assert "no set is left" in said("retire", first)
    assert "was retired" in said("freeze", made, code=2)
    assert "must lie after" in said(
        "create", "x", "--from", "2026-09-02", "--to", "2026-09-01", code=2
    )
    assert "there is no reference set" in said("retire", str(new_id()), code=2)
    assert "not a class and its share" in said(
        "mixture", "x", "--of", first, "--share", "deadly", code=2
    )
    with state.sessions() as session:
        assert session.scalar(select(func.count()).select_from(ReferenceSet)) == 2
        trail = session.scalars(select(AuditLine.action).where(AuditLine.subject_id == made)).all()
    froze, retired = "froze the reference set", "retired the reference set"
    assert sorted(trail) == [froze, "made a reference set", retired]
