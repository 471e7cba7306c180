"""Two people accept a new normal at the same moment: one wins, the other is told who did."""

import threading

import pytest
from factories.incident import make_incident
from factories.model import make_model
from factories.reference_set import make_reference_set
from factories.report import make_report
from sqlalchemy import Engine, select, text

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.model import ModelStatus
from mycovigil.db.report import ReportVerdict
from mycovigil.postgres.engine import sessions_of
from mycovigil.problem import Problem
from mycovigil_drift.resources import incidents


def test_of_two_people_who_accept_at_once_one_is_told_of_the_other(
    engine: Engine, clean_database: str
) -> None:
    sessions = sessions_of(engine)
    with sessions.begin() as session:
        model = make_model(session, status=ModelStatus.PRODUCTION)
        reference = make_reference_set(session, model)
        found = make_incident(
            session, make_report(session, model, reference, verdict=ReportVerdict.DRIFT)
        ).id
    problems: list[Problem] = []

    def second() -> None:
        with pytest.raises(Problem) as caught, sessions.begin() as session:
            incidents.accept_incident(session, found, who="bob", reason="a new phone is out")
        problems.append(caught.value)

    late = threading.Thread(target=second)
    with sessions.begin() as session:
        incidents.accept_incident(session, found, who="ada", reason="a club joined")
        late.start()
        while not _waits(engine):
            assert late.is_alive()
    late.join()
    assert [(one.status, one.slug) for one in problems] == [(409, "incident-resolved")]
    assert "accepted by ada: a club joined" in problems[0].detail
    with sessions() as session:
        assert session.get_one(Incident, found).resolution == (
            "new normal accepted by ada: a club joined"
        )
        alerts = session.scalars(select(Alert.kind).order_by(Alert.created_at)).all()
    assert alerts == ["opened", "resolved"]


def _waits(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
