"""A client that sends cats changes nothing for others: refused photos of one client alone leave the
certificate as it is, and a rise among several clients does not."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.bundle import OPEN_THRESHOLDS, make_bundle
from factories.encoder import tiny_encoder_folder
from factories.night import DIMENSION, FIRST, PERIOD, Served, make_night, make_served, night_of
from sqlalchemy import select

from mycovigil.db.alert import Alert, Incident, Severity
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.models import bundle as bundles
from mycovigil.models.safety import CertificateStatus
from mycovigil_worker.nights import nightly
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
CALM_NIGHTS, ROWS = 5, 60
# Beyond the model's threshold of novelty: answered `cannot_tell` whatever else is seen.
REFUSED: dict[str, Any] = {"shift": 3.0, "distance": 0.9, "seed": 7}
# As strange, and answered like any mushroom.
ANSWERED: dict[str, Any] = {"shift": 3.0, "seed": 7}


class Nights:
    """A model that refuses what lies beyond a distance of .6, beside a baseline of calm days."""

    def __init__(self, state: State, folder: Path, *, baseline: bool = True) -> None:
        self.state, self.count = state, 0
        limits = OPEN_THRESHOLDS.model_copy(update={"novelty": 0.6})
        encoder = tiny_encoder_folder(folder / "tiny", dimension=DIMENSION)
        bundle = make_bundle(encoder, thresholds=limits)
        data = bundle.to_bytes()
        with state.sessions.begin() as session:
            self.served: Served = make_served(session)
            key = bundles.key_of(bundle.meta.version)
            self.served.model.artifact_uri = state.storage.write(key, data)
            self.served.model.artifact_sha256 = bundles.digest(data)
        if baseline:
            make_baseline(state, self.served, rows=2 * ROWS)

    def pass_(self, *more: dict[str, Any], mushrooms: tuple[str, ...] = ("page", "app")) -> str:
        """A night of mushrooms, and of ``more`` photos; returns the certificate's status."""
        with self.state.sessions.begin() as session:
            window = night_of(self.count)
            for seed, client in enumerate(mushrooms, start=20):
                make_night(session, self.served, window, rows=ROWS, client=client, seed=seed)
            for photos in more:
                make_night(session, self.served, window, **photos)
        self.count += 1
        nightly.run(self.state, now=FIRST + self.count * PERIOD + datetime.timedelta(hours=1))
        with self.state.sessions() as session:
            return session.scalars(select(Model.certificate_state)).one()

    @property
    def last(self) -> DriftReport:
        with self.state.sessions() as session:
            newest = select(DriftReport).order_by(DriftReport.window_end.desc()).limit(1)
            return session.scalars(newest).one()


@pytest.fixture
def nights(state: State, tmp_path: Path) -> Nights:
    return Nights(state, tmp_path)


def test_refused_photos_of_one_client_alone_doubt_nothing(state: State, tmp_path: Path) -> None:
    nights = Nights(state, tmp_path, baseline=False)
    assert {nights.pass_() for _ in range(CALM_NIGHTS)} == {CertificateStatus.VALID}
    status = nights.pass_({"client": "cats", "rows": 40, **REFUSED})
    report = nights.last
    assert report.verdict == "drift"
    assert status == CertificateStatus.VALID
    found = report.evidence["one_client"]
    assert (found["client"], found["refused"], found["others"]) == ("cats", 1.0, 0.0)
    assert found["p_days"] > (report.level or 0)
    with state.sessions() as session:
        incident, alert = (
            session.scalars(select(Incident)).one(),
            session.scalars(select(Alert)).one(),
        )
    assert incident.severity == Severity.WARNING
    assert "only refused photos of client cats drifted" in alert.message


def test_a_mushroom_client_that_sends_cats_as_well_doubts_nothing(nights: Nights) -> None:
    assert nights.pass_({"client": "app", "rows": 40, **REFUSED}) == CertificateStatus.VALID
    assert nights.last.verdict == "drift"


def test_refused_photos_of_several_clients_are_a_doubt(nights: Nights) -> None:
    broad = ({"client": client, "rows": 20, **REFUSED} for client in ("page", "app"))
    assert nights.pass_(*broad) == CertificateStatus.SUSPECT
    assert "one_client" not in nights.last.evidence


def test_where_there_is_only_one_client_its_refused_photos_are_a_doubt(nights: Nights) -> None:
    alone = {"client": "page", "rows": 40, **REFUSED}
    assert nights.pass_(alone, mushrooms=("page", "page")) == CertificateStatus.SUSPECT


def test_photos_of_one_client_that_are_answered_are_a_doubt(nights: Nights) -> None:
    answered = {"client": "cats", "rows": 40, **ANSWERED}
    assert nights.pass_(answered) == CertificateStatus.SUSPECT


def test_others_that_drift_beside_the_cats_are_a_doubt(nights: Nights) -> None:
    cats = {"client": "cats", "rows": 40, **REFUSED}
    assert nights.pass_(cats) == CertificateStatus.VALID
    assert nights.pass_(cats, {"client": "app", "rows": 40, **ANSWERED}) == "suspect"
    assert "one_client" not in nights.last.evidence


def test_a_class_of_others_that_drifts_beside_the_cats_is_a_doubt(
    state: State, tmp_path: Path
) -> None:
    """Without the cats the night as a whole is calm; its photos that are called deadly are not."""
    nights = Nights(state, tmp_path, baseline=False)
    make_baseline(state, nights.served, days=14, rows=2 * ROWS)
    cats = {"client": "cats", "rows": 40, **REFUSED}
    deadly = {"probabilities": [0.02, 0.03, 0.05, 0.9], "label": "deadly", "shift": 1.7}
    status = nights.pass_(cats, {"client": "app", "rows": 14, "seed": 9, **deadly})
    assert status == CertificateStatus.SUSPECT
    assert "one_client" not in nights.last.evidence
