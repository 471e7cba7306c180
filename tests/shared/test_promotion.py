"""One model is in production; others get there through the gate only."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from factories.model import make_model
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model, ModelStatus, Promotion
from mycovigil.models import promotion, registry
from mycovigil.models.promotion import GateClosed
from mycovigil.postgres.engine import sessions_of


def gate(against: Model, *, passed: bool) -> dict[str, Any]:
    return {"gate": {"against": str(against.id), "passed": passed, "reason": "more deadly misses"}}


CERTIFIED = {"state": "valid", "bound": 0.05}


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


def test_a_rollback_by_mistake_is_undone(session: Session) -> None:
    first = make_model(session)
    promotion.promote(session, first.id, decided_by="test")
    second = make_model(session, metrics=gate(first, passed=True))
    promotion.promote(session, second.id, decided_by="test")
    promotion.rollback(session, decided_by="test", reason="the wrong window")
    with pytest.raises(GateClosed, match="in production already"):
        promotion.bring_back(session, first.id, decided_by="test", reason="again")
    row = promotion.bring_back(session, second.id, decided_by="test", reason="a mistake")
    assert (live(session), first.status) == (second.version, ModelStatus.ARCHIVED)
    assert (row.decision, row.evidence) == ("rollback", {"reason": "a mistake"})
    promotion.rollback(session, decided_by="test", reason="it was none")
    assert live(session) == first.version


@pytest.mark.parametrize("demo", [False, True])
def test_a_model_that_never_passed_the_gate_is_not_brought_back(
    session: Session, *, demo: bool
) -> None:
    make_model(session, status=ModelStatus.PRODUCTION)
    other = make_model(session, status=ModelStatus.REJECTED, demo=demo)
    with pytest.raises(GateClosed, match="demo" if demo else "never passed"):
        promotion.bring_back(session, other.id, decided_by="test", reason="I like it")


def test_each_rollback_goes_one_promotion_further_back(session: Session) -> None:
    first = make_model(session, status=ModelStatus.PRODUCTION)
    second = make_model(session, metrics=gate(first, passed=True))
    promotion.promote(session, second.id, decided_by="test")
    third = make_model(session, metrics=gate(second, passed=True))
    promotion.promote(session, third.id, decided_by="test")
    for earlier in (second, first):
        promotion.rollback(session, decided_by="test", reason="worse at dusk")
        assert live(session) == earlier.version
    with pytest.raises(GateClosed, match="no earlier"):
        promotion.rollback(session, decided_by="test", reason="worse at dusk")


def test_of_two_promotions_at_once_the_second_meets_the_gate(
    engine: Engine, clean_database: str
) -> None:
    sessions = sessions_of(engine)
    with sessions.begin() as session:
        first = make_model(session, status=ModelStatus.PRODUCTION)
        rivals = [make_model(session, metrics=gate(first, passed=True)) for _ in range(2)]

    def promote_the_second() -> None:
        with sessions.begin() as session:
            promotion.promote(session, rivals[1].id, decided_by="test")

    with ThreadPoolExecutor(1) as pool, sessions() as session:
        promotion.promote(session, rivals[0].id, decided_by="test")
        late = pool.submit(promote_the_second)
        while not late.done() and not _waits(engine):
            pass
        session.commit()
        with pytest.raises(GateClosed, match="not compared with production"):
            late.result(10)


@pytest.mark.parametrize("decide", [promotion.promote, promotion.refuse])
def test_a_candidate_is_judged_as_it_is_now_and_not_as_it_was_loaded(
    engine: Engine, clean_database: str, decide: Callable[..., object]
) -> None:
    """A person promotes it while the end of its training waits for the turn."""
    sessions = sessions_of(engine)
    with sessions.begin() as session:
        first = make_model(session, status=ModelStatus.PRODUCTION)
        candidate = make_model(session, metrics=gate(first, passed=True)).id
    with sessions() as late:
        loaded = late.get_one(Model, candidate)
        with sessions.begin() as session:
            promotion.promote(session, candidate, decided_by="anna")
        with pytest.raises(GateClosed, match="is production, not a candidate"):
            decide(late, loaded.id, decided_by="retrain")
    with sessions() as session:
        assert session.get_one(Model, candidate).status == ModelStatus.PRODUCTION


def test_without_a_production_model_the_gate_stays_and_the_last_one_comes_back(
    session: Session,
) -> None:
    first = make_model(session)
    promotion.promote(session, first.id, decided_by="test")
    first.status = ModelStatus.REJECTED  # by hand, or by a bug
    untested = make_model(session, metrics=gate(first, passed=False))
    with pytest.raises(GateClosed, match="roll back first"):
        promotion.promote(session, untested.id, decided_by="test")
    promotion.rollback(session, decided_by="test", reason="nothing serves")
    assert live(session) == first.version


def test_decisions_are_dated_in_the_order_they_were_taken(
    engine: Engine, clean_database: str
) -> None:
    sessions = sessions_of(engine)
    with sessions.begin() as session:
        first = make_model(session, status=ModelStatus.PRODUCTION)
        second = make_model(session, metrics=gate(first, passed=True))
    with sessions.begin() as early:
        early.execute(select(1))
        with sessions.begin() as session:
            promotion.promote(session, second.id, decided_by="test")
        promotion.rollback(early, decided_by="test", reason="worse at dusk")
    with sessions() as session:
        dated = session.scalars(select(Promotion.decision).order_by(Promotion.created_at)).all()
    assert dated == ["passed", "rollback"]


def _waits(engine: Engine) -> bool:
    with engine.connect() as connection:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(connection.scalar(text(query)))


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


def test_evidence_against_the_first_certified_model_of_the_encoder_is_needed(
    session: Session,
) -> None:
    """Each model may be a little worse than the one before: together they may not."""
    bare = make_model(session, certificate={"state": "not_certifiable", "bound": None})
    encoder = session.get_one(Encoder, bare.encoder_id)
    promotion.promote(session, bare.id, decided_by="test")
    first = make_model(
        session, encoder=encoder, certificate=CERTIFIED, metrics=gate(bare, passed=True)
    )
    promotion.promote(session, first.id, decided_by="test")
    assert registry.first_certified(session, encoder.id) is first
    second = make_model(
        session, encoder=encoder, certificate=CERTIFIED, metrics=gate(first, passed=True)
    )
    promotion.promote(session, second.id, decided_by="test")
    assert registry.first_certified(session, encoder.id) is first

    evidence = gate(second, passed=True)
    third = make_model(session, encoder=encoder, metrics=evidence)
    with pytest.raises(GateClosed, match=f"not compared with {first.version}, the first certified"):
        promotion.promote(session, third.id, decided_by="test")
    both = {"gate": evidence["gate"] | {"first_certified": str(first.id)}}
    fourth = make_model(session, encoder=encoder, metrics=both)
    promotion.promote(session, fourth.id, decided_by="test")
    other = make_model(session, certificate=CERTIFIED, metrics=gate(fourth, passed=True))
    promotion.promote(session, other.id, decided_by="test")
    assert live(session) == other.version, "a new encoder has no first certified model yet"


def test_a_demo_model_and_a_refused_one_are_no_first_certified_model(session: Session) -> None:
    demo = make_model(session, certificate=CERTIFIED, demo=True)
    encoder = session.get_one(Encoder, demo.encoder_id)
    promotion.promote(session, demo.id, decided_by="test")
    refused = make_model(session, encoder=encoder, certificate=CERTIFIED)
    promotion.refuse(session, refused.id, decided_by="test")
    make_model(session, encoder=encoder, certificate=CERTIFIED)
    assert registry.first_certified(session, encoder.id) is None


def test_the_database_itself_allows_one_production_model(session: Session) -> None:
    make_model(session, status=ModelStatus.PRODUCTION)
    with pytest.raises(IntegrityError):
        make_model(session, status=ModelStatus.PRODUCTION)


def test_nothing_to_roll_back_to(session: Session) -> None:
    with pytest.raises(GateClosed, match="no earlier production model"):
        promotion.rollback(session, decided_by="test", reason="x")
    make_model(session, status=ModelStatus.PRODUCTION)
    with pytest.raises(GateClosed, match="no earlier"):
        promotion.rollback(session, decided_by="test", reason="x")
