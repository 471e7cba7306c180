"""The first screen, in the morning after an alert."""

import datetime
import re

from factories.history import make_history
from factories.key import make_key
from factories.visitor import Visitor
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from mycovigil.postgres import partitions

PHOTO = {
    "prediction_id": "p",
    "score": 0.9,
    "label": "deadly",
    "image_key": f"photos/aa/{'a' * 64}.jpg",
    "neighbours": [],
}


def test_one_screen_answers_six_questions(anonymous: TestClient, session: Session) -> None:
    history = make_history(session, drifting=True, gallery=[PHOTO])
    page = Visitor(anonymous, make_key(session)).looks("/").text
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    incident = history.incidents[1]
    for words in (
        "Drifting For",
        "Is it drifting? Yes",
        "Since when? ",
        "Why? Novel species",
        "Does it hurt? Yes, safety is affected Deadly photos among all 13% → 24% "
        "(90% interval 20% to 28%). Certificate suspect.",
        "Which photos?",
        "What was done? Retrain running",
        "calm nights stay in this band",
    ):
        assert words in said
    assert f'src="/photos/{"a" * 64}"' in page
    for action in ("acknowledge", "resolve"):
        assert f'action="/incidents/{incident.id}/{action}"' in page
    for action in ("/retrain-jobs", "/silences", "/models/rollback"):
        assert f'action="{action}"' in page


def test_partitions_that_run_out_are_shown(anonymous: TestClient, session: Session) -> None:
    warning = "the worker makes no partitions"
    today = datetime.datetime.now(tz=datetime.UTC).date()
    partitions.ensure(session, partitions.upcoming(today, 3))
    visitor = Visitor(anonymous, make_key(session))
    assert warning not in visitor.looks("/").text
    for days, words in ((2, "for one more day"), (1, "until midnight (UTC)"), (0, "no more")):
        day = partitions.name_of(today + datetime.timedelta(days=days))
        session.execute(text(f"DROP TABLE {day}"))
        shown = visitor.looks("/").text
        assert f"Predictions can be stored {words}" in shown
        assert warning in shown


def test_small_multiples_show_where_calm_nights_lay(
    anonymous: TestClient, session: Session
) -> None:
    make_history(session)
    page = Visitor(anonymous, make_key(session)).looks("/").text
    assert page.count('<rect class="calm"') == 12
