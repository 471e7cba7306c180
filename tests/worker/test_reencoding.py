"""Days to encode: one command sends them as a group behind the retrains, a child encodes a day."""

import dataclasses
import datetime
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from factories.environment import environment
from factories.kept_photos import KeptDay, make_kept_day, make_new_encoder
from factories.night import make_served
from kombu.exceptions import OperationalError
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from mycovigil.db.encoder import EncodedDay, EncodedPhoto, Encoder
from mycovigil.reencoding import lease as leases
from mycovigil.reencoding.request import request
from mycovigil.settings import RedisSettings
from mycovigil_worker.app import NAME, app
from mycovigil_worker.cli.drift import app as command
from mycovigil_worker.retention import records
from mycovigil_worker.retrain import reencoding
from mycovigil_worker.state import State

ROWS = 20
ORDERED = "import sys;sys.stderr.write('no room\\n');sys.exit(3)"


def kept(state: State, number: int = 0) -> KeptDay:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        return make_kept_day(session, state.storage, served, number, rows=ROWS)


def row(state: State) -> EncodedDay:
    with state.sessions() as session:
        return session.scalars(select(EncodedDay)).one()


def asked(state: State, folder: Path, day: datetime.date) -> Encoder:
    with state.sessions.begin() as session:
        new = make_new_encoder(session, folder)
        request(session, new, day, day, who="tester")
        return new


def with_environment(state: State, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    own = state.settings.model_copy(update={"redis": RedisSettings(url=url)})
    for name, value in environment(own, port=0).items():
        monkeypatch.setenv(name, value)


@pytest.mark.whole
def test_the_command_sends_the_days_as_a_group_behind_the_retrains(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept(state).day
    days = [first, first + datetime.timedelta(days=1)]
    with state.sessions.begin() as session:
        folder = make_new_encoder(session, tmp_path / "new").uri
    url = f"{state.settings.redis.url.get_secret_value().rsplit('/', 1)[0]}/5"
    with_environment(state, monkeypatch, url)
    line = [*["-m", "mycovigil", "drift", "reencode", "--encoder"], folder]
    stretch = ["--from", str(days[0]), "--to", str(days[1])]
    done = subprocess.run(
        [sys.executable, *line, *stretch], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "0.0%" in done.stdout
    with redis.Redis.from_url(url) as broker:
        waiting = {key.decode(): broker.llen(key) for key in broker.keys("retrain*")}
    # kombu's list of the last of its priority steps
    assert waiting == {"retrain\x06\x169": 2}


@pytest.mark.whole
def test_a_child_encodes_a_day(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = kept(state).day
    new = asked(state, tmp_path / "new", day)
    with_environment(state, monkeypatch, state.settings.redis.url.get_secret_value())
    assert reencoding.run(state, new.id, day) == "done"
    assert (row(state).state, row(state).encoded) == ("done", ROWS)
    monkeypatch.setattr(reencoding, "Child", None)
    assert reencoding.run(state, new.id, day) == "not mine"  # sent twice


def test_a_child_that_fails_says_why(state: State, tmp_path: Path) -> None:
    day = kept(state).day
    new = asked(state, tmp_path / "new", day)
    training = state.settings.training.model_copy(
        update={"command": (sys.executable, "-c", ORDERED)}
    )
    settings = state.settings.model_copy(update={"training": training})
    broken = dataclasses.replace(state, settings=settings)
    assert reencoding.run(broken, new.id, day) == "no room"


def test_a_turn_that_is_over_is_sent_again(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = kept(state).day
    new = asked(state, tmp_path / "new", day)
    printed = 'print(\'{"ending": "more"}\')'
    training = state.settings.training.model_copy(
        update={"command": (sys.executable, "-c", printed)}
    )
    settings = state.settings.model_copy(update={"training": training})
    sent: list[object] = []
    monkeypatch.setattr(reencoding, "send", lambda _, days: sent.extend(days))
    assert reencoding.run(dataclasses.replace(state, settings=settings), new.id, day) == "more"
    assert sent == [(new.id, day)]


def test_the_tick_sends_days_that_no_worker_encodes(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = kept(state).day
    new = asked(state, tmp_path / "new", day)

    def away(*_: object, **__: object) -> None:
        raise OperationalError("the broker is away")

    def sending(_: State, days: list[object]) -> bool:
        sent.extend(days)
        return True

    sent: list[object] = []
    monkeypatch.setattr(reencoding, "send", sending)
    assert reencoding.resend_waiting(state) == [(new.id, day)] == sent
    with state.sessions.begin() as session:
        lease = leases.take(session, new.id, day)
        assert lease is not None
    assert reencoding.resend_waiting(state) == []
    with state.sessions.begin() as session:  # its worker died, for the last time
        over = {"lease_until": func.now() - leases.LEASE, "attempts": leases.MOST_ATTEMPTS}
        session.execute(update(EncodedDay).values(**over))
    assert reencoding.resend_waiting(state) == []
    assert row(state).state == "failed"
    monkeypatch.undo()
    monkeypatch.setattr("celery.group.apply_async", away)
    assert not reencoding.send(state, [(new.id, day)])


def test_encoded_photos_go_with_their_day(state: State, tmp_path: Path) -> None:
    day = kept(state)
    with state.sessions.begin() as session:
        new = make_new_encoder(session, tmp_path / "new")
        session.add(
            EncodedPhoto(
                created_at=day.window.start,
                prediction_id=new.id,
                encoder_id=new.id,
                features=[0.0, 1.0],
                brightness=0.5,
                contrast=0.2,
                sharpness=-1.0,
                colour_temperature=5_000.0,
                saturation=0.2,
            )
        )
    ages = datetime.timedelta(days=state.settings.storage.prediction_retention_days)
    minute = datetime.timedelta(minutes=1)
    gone = records.delete_old(state, day.window.start + ages - minute)
    assert gone["encoded_photos"] == 0
    gone = records.delete_old(state, day.window.start + ages + minute)
    assert gone["encoded_photos"] == 1


def test_the_command_refuses_in_one_sentence(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    with_environment(state, monkeypatch, state.settings.redis.url.get_secret_value())
    for arguments, why in (
        (("no/such", "2026-09-01", "2026-09-02"), "no encoder at"),
        (("mini/int8", "2026-09-02", "2999-09-02"), "not over yet"),
    ):
        encoder, first, last = arguments
        line = ["reencode", "--encoder", encoder, "--from", first, "--to", last]
        done = CliRunner().invoke(command, line)
        assert done.exit_code == 2
        assert why in done.output


def test_the_task_is_routed_to_the_retrains() -> None:
    assert app.conf.task_routes[f"{NAME}.reencode"] == {"queue": "retrain"}
