"""Whoever asks for a report, a retrain or a comparison wakes the worker, at the commit."""

import psycopg
import pytest
from factories.key import make_key
from factories.model import make_model
from factories.outage import DEADLINE
from factories.reference_set import make_reference_set
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mycovigil.events import wake
from mycovigil.settings import Settings
from mycovigil_drift.app import create_app

PATHS = ["/v1/reports", "/v1/retrain-jobs", "/v1/comparisons/reference-sets"]


@pytest.fixture
def asked(clean_database: str, engine: Engine) -> dict[str, dict[str, str]]:
    """Bodies of requests by path, and their headers."""
    with Session(engine) as session, session.begin():
        model, key = make_model(session), make_key(session)
        report = {
            "model_id": str(model.id),
            "window_start": "2026-09-01T00:00:00Z",
            "window_end": "2026-09-02T00:00:00Z",
        }
        retrain = {"reason": "the lens was changed"}
        sets = [make_reference_set(session, model, seed=seed) for seed in (1, 2)]
        pair = {"a": str(sets[0].id), "b": str(sets[1].id)}
    return {
        "/v1/reports": report,
        "/v1/retrain-jobs": retrain,
        "/v1/comparisons/reference-sets": pair,
        "headers": {"Authorization": f"Bearer {key}"},
    }


@pytest.mark.parametrize("path", PATHS)
def test_a_request_wakes_the_worker_once(
    settings: Settings, clean_database: str, asked: dict[str, dict[str, str]], path: str
) -> None:
    with (
        psycopg.connect(clean_database, autocommit=True) as listener,
        TestClient(create_app(settings), headers=asked["headers"]) as client,
    ):
        listener.execute(f"LISTEN {wake.CHANNEL}".encode())
        answer = client.post(path, json=asked[path])
        assert answer.status_code == 202, answer.text
        (notice,) = listener.notifies(timeout=DEADLINE, stop_after=1)
        assert notice.channel == wake.CHANNEL
        refused = client.post(path, json={})
        assert refused.status_code == 422
        assert list(listener.notifies(timeout=0)) == []
