"""One model is in production; others get there through the gate only."""

from typing import Any

import pytest
from factories.model import make_model
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mycovigil import promotion, registry
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model, ModelStatus
from mycovigil.promotion import GateClosed


def gate(against: Model, *, passed: bool) -> dict[str, Any]:
    return {"gate": {"against": str(against.id), "passed": passed, "reason": "more deadly misses"}}


def live(session: Session) -> str | None:
    found = registry.production(session)
    return found.model.version if found else None


def test_the_first_model_goes_live_without_comparison(session: Session) -> None:
    model = make_model(session)
    row = promotion.promote(session, model.id, decided_by="test")
    assert (row.decision, live(session)) == ("initial", model.version)


def test_a_passing_candidate_replaces_and_rolls_back(session: Session) -> None:
    first = make_model(session, status=ModelStatus.PRODUCTION)
    second = make_model(session, metrics=gate(first, passed=True))
    promotion.promote(session, second.id, decided_by="test")
    assert (live(session), first.status) == (second.version, ModelStatus.ARCHIVED)
    promotion.rollback(session, decided_by="test", reason="worse at dusk")
    assert (live(session), second.status) == (first.version, ModelStatus.ARCHIVED)
    events = session.scalar(select(func.count()).select_from(OutboxMessage))
    assert events == 2


def test_no_evidence_no_promotion(session: Session) -> None:
    make_model(session, status=ModelStatus.PRODUCTION)
    with pytest.raises(GateClosed, match="not compared"):
        promotion.promote(session, make_model(session).id, decided_by="test")


def test_a_refused_candidate_stays_out(session: Session) -> None:
    first = make_model(session, status=ModelStatus.PRODUCTION)
    second = make_model(session, metrics=gate(first, passed=False))
    with pytest.raises(GateClosed, match="more deadly misses"):
        promotion.promote(session, second.id, decided_by="test")
    promotion.refuse(session, second.id, decided_by="test")
    assert (live(session), second.status) == (first.version, ModelStatus.REJECTED)
    with pytest.raises(GateClosed, match="not a candidate"):
        promotion.promote(session, second.id, decided_by="test")


def test_evidence_against_an_older_model_does_not_count(session: Session) -> None:
    older = make_model(session, status=ModelStatus.ARCHIVED)
    make_model(session, status=ModelStatus.PRODUCTION)
    candidate = make_model(session, metrics=gate(older, passed=True))
    with pytest.raises(GateClosed, match="not compared"):
        promotion.promote(session, candidate.id, decided_by="test")


def test_the_database_itself_allows_one_production_model(session: Session) -> None:
    make_model(session, status=ModelStatus.PRODUCTION)
    with pytest.raises(IntegrityError):
        make_model(session, status=ModelStatus.PRODUCTION)


def test_nothing_to_roll_back_to(session: Session) -> None:
    with pytest.raises(GateClosed, match="no production model"):
        promotion.rollback(session, decided_by="test", reason="x")
    make_model(session, status=ModelStatus.PRODUCTION)
    with pytest.raises(GateClosed, match="no earlier"):
        promotion.rollback(session, decided_by="test", reason="x")
