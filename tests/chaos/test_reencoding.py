"""The process that encodes a day is killed, twice, and the day comes out as if it never was."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from factories.environment import environment
from factories.kept_photos import make_kept_day, make_new_encoder
from factories.night import make_served
from factories.outage import DEADLINE, until
from sqlalchemy import Engine, func, select, text, update

from mycovigil.db.encoder import EncodedDay, EncodedPhoto
from mycovigil.postgres.engine import Sessions, sessions_of
from mycovigil.reencoding.lease import LEASE
from mycovigil.reencoding.request import request
from mycovigil.settings import Settings
from mycovigil.storage import Storage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
Tell = Callable[..., None]
ROWS = 2_000
KILLS = 2


def test_a_killed_process_changes_no_row(
    settings: Settings,
    clean_database: str,
    engine: Engine,
    storage: Storage,
    tmp_path: Path,
    tell: Tell,
) -> None:
    sessions = sessions_of(engine)
    with sessions.begin() as session:
        served = make_served(session, rows=1)
        day = make_kept_day(session, storage, served, 0, rows=ROWS).day
        new = make_new_encoder(session, tmp_path / "new")
        request(session, new, day, day, who="tester")
    command = [sys.executable, "-m", "mycovigil_training", "reencode"]
    command += ["--encoder", str(new.id), "--day", str(day)]
    variables = environment(settings, port=0)
    seen = 0
    for _ in range(KILLS):
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
        until(lambda seen=seen: _count(sessions) > seen)  # type: ignore[misc]
        process.kill()
        process.wait(DEADLINE)
        seen = _count(sessions)
        assert seen < ROWS
        with sessions.begin() as session:
            session.execute(update(EncodedDay).values(lease_until=func.now() - LEASE))
    _finish(command, variables)
    killed = _rows(sessions)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM encoded_photos"))
        session.execute(text("DELETE FROM encoded_days"))
        request(session, new, day, day, who="tester")
    _finish(command, variables)
    with sessions() as session:
        row = session.scalars(select(EncodedDay)).one()
    tell("an encoding killed twice", photos=row.encoded, same=int(killed == _rows(sessions)))
    assert (row.state, row.encoded, row.total) == ("done", ROWS, ROWS)
    assert killed == _rows(sessions)


def _finish(command: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=variables, check=True, capture_output=True, text=True, timeout=DEADLINE
    )
    assert '"done"' in done.stdout


def _count(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(EncodedPhoto)) or 0


def _rows(sessions: Sessions) -> str:
    query = text("SELECT prediction_id, features::text, brightness FROM encoded_photos ORDER BY 1")
    with sessions() as session:
        return hashlib.sha256(repr(session.execute(query).all()).encode()).hexdigest()
