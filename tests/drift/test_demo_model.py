"""Every page says that the demo model is in production; the API and the metrics do too."""

import re

import pytest
from factories.key import make_key
from factories.model import make_model
from factories.visitor import Visitor
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.models import promotion
from mycovigil.models.demo import registration
from mycovigil.settings import Settings
from mycovigil.storage import Storage

MARK = "trained on drawn mushrooms, not for real ones"
PAGES = (
    "/",
    "/reports",
    "/slices",
    "/incidents",
    "/alerts",
    "/alert-rules",
    "/models",
    "/retrain-jobs",
    "/reference-sets",
    "/audit",
    "/silences",
)


@pytest.fixture
def demo(session: Session, storage: Storage) -> Model:
    model = registration.register(session, storage)
    assert model is not None
    return model


def test_every_page_says_so(demo: Model, anonymous: TestClient, session: Session) -> None:
    visitor = Visitor(anonymous, make_key(session))
    for path in PAGES:
        page = visitor.looks(path)
        assert page.status_code == 200, path
        assert re.search(rf'role="note">.*{MARK}', page.text), path


def test_its_own_page_marks_it_for_ever(
    demo: Model, anonymous: TestClient, session: Session
) -> None:
    promotion.promote(session, make_model(session).id, decided_by="test")
    visitor = Visitor(anonymous, make_key(session))
    assert MARK not in visitor.looks("/").text
    page = visitor.looks(f"/models/{demo.id}").text
    assert "demo</span>" in page
    assert "drawn mushrooms" in page


def test_the_api_says_so(demo: Model, client: TestClient) -> None:
    assert [row["demo"] for row in client.get("/v1/models").json()["items"]] == [True]


def test_metrics_say_so(clean_database: str, settings: Settings, client: TestClient) -> None:
    assert "mycovigil_demo_model 0.0" in client.get("/metrics").text
    registration.ensure(settings.database, settings.storage)
    assert "mycovigil_demo_model 1.0" in client.get("/metrics").text


def test_a_rollback_to_it_is_refused(demo: Model, client: TestClient, session: Session) -> None:
    promotion.promote(session, make_model(session).id, decided_by="test")
    answer = client.post("/v1/models/rollback", json={"reason": "worse at dusk"})
    assert answer.status_code == 409
    assert "only the demo model" in answer.json()["detail"]
