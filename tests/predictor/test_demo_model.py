"""The demo model is marked wherever it answers, until a real one replaces it."""

import re
from pathlib import Path

import pytest
from factories.bundle import make_bundle
from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve

from mycovigil.models.demo import registration
from mycovigil.settings import Settings

MARK = "trained on drawn mushrooms, not for real ones"


@pytest.fixture
def demo(serve: Serve, settings: Settings, desk: Desk) -> Running:
    assert registration.ensure(settings.database, settings.storage) == "demo-4"
    options = settings.predictor.model_copy(update={"public_page": True})
    return serve(settings.model_copy(update={"predictor": options}))


def test_every_answer_says_so(demo: Running) -> None:
    answer = demo.predict(make_photo()).json()
    assert answer["model"]["demo"] is True
    assert (answer["certificate"]["state"], answer["certificate"]["bound"]) == (
        "not_certifiable",
        None,
    )
    assert demo.http.get("/v1/model").json()["demo"] is True
    assert 'demo="true"' in demo.http.get("/metrics").text


def test_every_log_line_of_an_answer_says_so(
    demo: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    answered, logged = demo.predict(make_photo()).json()["id"], list[str]()

    def is_logged() -> bool:
        logged.extend(capsys.readouterr().out.splitlines())
        return any(answered in line for line in logged)

    until(is_logged)
    lines = [line for line in logged if answered in line]
    assert all(re.search(r"demo\S*=\S*True", line) for line in lines)


def test_every_page_says_so(demo: Running) -> None:
    files = [("files", ("cap.jpg", make_photo(640, 480), "image/jpeg"))]
    pages = [demo.http.get("/").text, demo.http.post("/", files=files).text]
    assert [page.count(MARK) for page in pages] == [1, 2]


def test_a_real_model_is_none_and_what_the_demo_said_stays_marked(
    demo: Running, desk: Desk, tiny: Path
) -> None:
    before = demo.predict(make_photo()).json()["id"]
    desk.promote(make_bundle(tiny, version="real"), tiny)
    until(lambda: demo.http.get("/v1/model").json()["version"] == "real")
    assert demo.predict(make_photo()).json()["model"]["demo"] is False
    assert demo.http.get(f"/v1/predictions/{before}").json()["model"]["demo"] is True
    assert MARK not in demo.http.get("/").text
