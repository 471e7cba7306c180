"""Kept photos encoded anew: who may ask, what is shown, and the words for what cannot be."""

import datetime
import uuid

import pytest
from factories.key import make_key
from factories.model import make_encoder
from factories.visitor import Visitor
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine
from mycovigil.db.encoder import DayState, EncodedDay, Encoder

DAYS = {"first_day": "2026-09-01", "last_day": "2026-09-03"}


@pytest.fixture
def encoder(session: Session) -> Encoder:
    return make_encoder(session)


def asked(client: TestClient, encoder: Encoder, **changes: str) -> tuple[int, dict[str, object]]:
    answer = client.post("/v1/encodings", json={"encoder_id": str(encoder.id)} | DAYS | changes)
    return answer.status_code, answer.json()


def test_an_operator_asks_and_sees_progress(
    client: TestClient, session: Session, encoder: Encoder
) -> None:
    code, made = asked(client, encoder)
    assert (code, made["days"], made["share"]) == (202, 3, 0.0)
    first = EncodedDay.day == datetime.date(2026, 9, 1)
    counts = {"total": 10, "encoded": 7, "removed": 2, "undecodable": 1}
    session.execute(update(EncodedDay).where(first).values(state=DayState.DONE, **counts))
    session.execute(update(EncodedDay).where(~first).values(total=10, encoded=5))
    assert asked(client, encoder)[0] == 202  # asking twice is asking once
    (found,) = client.get("/v1/encodings").json()["items"]
    assert (found["done"], found["encoded"], found["removed"]) == (1, 17, 2)
    assert found["share"] == pytest.approx(2 / 3)
    listed = client.get(f"/v1/encodings/{encoder.id}").json()["listed"]
    assert [day["state"] for day in listed] == ["waiting", "waiting", "done"]


def test_what_cannot_be_asked_for(client: TestClient, encoder: Encoder) -> None:
    code, body = asked(client, encoder, last_day="2999-01-01")
    assert (code, str(body["type"]).rsplit("/", 1)[1]) == (422, "not-encodable")
    assert "not over yet" in str(body["detail"])
    assert asked(client, encoder, last_day="2020-01-01")[0] == 422
    assert asked(client, encoder, encoder_id=str(uuid.UUID(int=7)))[0] == 404
    assert asked(client, encoder, last_day="soon")[0] == 422
    assert client.get(f"/v1/encodings/{encoder.id}").status_code == 404


def test_a_reader_may_look_and_not_ask(reader: TestClient, encoder: Encoder) -> None:
    assert reader.get("/v1/encodings").json() == {"items": []}
    assert asked(reader, encoder)[0] == 403


def test_the_page_shows_the_days_and_asks(
    anonymous: TestClient, session: Session, encoder: Encoder
) -> None:
    visitor = Visitor(anonymous, make_key(session))
    assert "Nothing asked for" in visitor.looks("/encodings").text
    visitor.sends("/encodings", encoder_id=str(encoder.id), **DAYS)
    assert "0 of 3 done" in visitor.looks("/encodings").text
    page = visitor.looks(f"/encodings/{encoder.id}").text
    assert "2026-09-02" in page
    assert "asked to encode kept photos" in page
    line = session.scalars(select(AuditLine).where(AuditLine.subject_id == encoder.id)).one()
    assert line.detail == "2026-09-01 to 2026-09-03, 3 of 3 days new or tried again"
