"""The upload page: without JavaScript over HTTP, and in a real browser."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Running, Serve
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings
from mycovigil_predictor.api.wording import PhoneNumber, percent, phone_number

BOUNDARY = "frontier"


@pytest.fixture
def public(serve: Serve, settings: Settings, production: Model) -> Running:
    options = settings.predictor.model_copy(update={"public_page": True})
    return serve(settings.model_copy(update={"predictor": options}))


def form(once: str = "") -> dict[str, Any]:
    empty = ("files", ("", b"", "application/octet-stream"))
    return {
        "files": [empty, ("files", ("cap.jpg", make_photo(640, 480), "image/jpeg"))],
        "data": {"once": once},
        "headers": {"authorization": ""},
    }


def test_a_form_without_javascript_gets_a_result_page(public: Running, engine: Engine) -> None:
    page = public.http.get("/", headers={"authorization": ""})
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)

    result = public.http.post("/", **form())

    assert result.status_code == 200, result.text
    assert re.search(r"Do not eat it|We cannot tell|Show it to an expert", result.text)
    assert "safe" not in result.text.lower()
    with Session(engine) as session:
        assert [row.client for row in session.scalars(select(Prediction))] == ["page"]


def test_phones_are_asked_for_jpeg(public: Running) -> None:
    page = public.http.get("/", headers={"authorization": ""}).text
    inputs = re.findall(r'<input type="file"[^>]*>', page)
    assert len(inputs) == 2
    for asked in inputs:
        formats = re.findall(r'accept="([^"]*)"', asked)[0].split(",")
        assert "image/jpeg" in formats
        assert not {"image/*", "image/heic", "image/heif"} & set(formats)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_may_be_asked_for_its_head(public: Running, path: str) -> None:
    head = public.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/html")


def test_a_reloaded_result_is_no_second_prediction(public: Running, engine: Engine) -> None:
    for _ in range(2):
        assert public.http.post("/", **form("reload")).status_code == 200

    with Session(engine) as session:
        assert len(session.scalars(select(Prediction)).all()) == 1


def test_a_bad_photo_is_explained_on_the_page(public: Running) -> None:
    files = {"files": ("x.jpg", b"no photo", "image/jpeg")}
    answer = public.http.post("/", files=files, headers={"authorization": ""})
    assert answer.status_code == 422
    assert "Not a readable photo" in answer.text
    counted = public.http.get("/metrics").text
    assert 'predictor_problems_total{slug="undecodable-photo"} 1.0' in counted


def test_the_page_needs_a_key_unless_the_operator_opens_it(predictor: Running) -> None:
    assert 'name="key"' in predictor.http.get("/").text
    assert predictor.http.post("/", **form()).status_code == 401
    request = form()
    request["data"] = {"key": predictor.key}
    assert predictor.http.post("/", **request).status_code == 200


def test_the_key_is_asked_before_a_photo_is_read(predictor: Running) -> None:
    """The server answers while the photo has only begun."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="'
    body = (
        f'{part}key"\r\n\r\nmyco_wrong_key\r\n'
        f'{part}files"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    with begun_upload(predictor, body) as upload:
        assert upload.recv(65_536).startswith(b"HTTP/1.1 401")


def test_slow_uploads_to_the_page_leave_the_api_its_places(
    serve: Serve, settings: Settings, production: Model
) -> None:
    options = {"public_page": True, "queue_size": 8, "page_uploads": 4, "page_rate": "99/minute"}
    predictor = settings.predictor.model_copy(update=options)
    running = serve(settings.model_copy(update={"predictor": predictor}))
    body = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n'
    with ExitStack() as slow:
        for _ in range(26):
            slow.enter_context(begun_upload(running, body))
        until(lambda: "requests_inside 4.0" in running.http.get("/metrics").text)
        assert running.predict(make_photo()).status_code == 200
        assert running.http.post("/", **form()).status_code == 429


@contextmanager
def begun_upload(running: Running, body: str) -> Iterator[socket.socket]:
    """The page's form, of which no more comes than ``body``."""
    address = (running.http.base_url.host, running.http.base_url.port)
    with socket.create_connection(address, timeout=10) as connection:
        head = (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
        )
        connection.sendall((head + body).encode())
        yield connection


def test_the_page_is_limited_by_address(
    serve: Serve, settings: Settings, production: Model
) -> None:
    options = settings.predictor.model_copy(update={"public_page": True, "page_rate": "2/minute"})
    running = serve(settings.model_copy(update={"predictor": options}))
    statuses = [running.http.post("/", **form()).status_code for _ in range(3)]
    assert statuses[-1] == 429


def test_the_poison_centre_is_told_and_a_tap_away(
    serve: Serve, settings: Settings, production: Model
) -> None:
    told = "Giftnotruf +49 (0)30 19240, day and night"
    options = settings.predictor.model_copy(update={"public_page": True, "poison_centre": told})
    running = serve(settings.model_copy(update={"predictor": options}))
    for page in (running.http.get("/"), running.http.post("/", **form())):
        link = '<a href="tel:+4903019240">+49 (0)30 19240</a>'
        assert f"Giftnotruf {link}, day and night" in page.text


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.0, "under 1 %"), (0.004, "under 1 %"), (0.126, "13 %"), (0.999, "over 99 %")],
)
def test_a_small_danger_is_never_told_as_none(share: float, told: str) -> None:
    assert percent(share) == told


def test_a_text_without_a_number_is_no_link() -> None:
    assert phone_number("your local poison centre") == PhoneNumber(
        "your local poison centre", "", ""
    )
    assert phone_number("call 112!").dialled == "112"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "width", "height"),
    [("phone", 390, 844), pytest.param("laptop", 1280, 800, marks=pytest.mark.whole)],
)
def test_a_person_uploads_a_photo(
    public: Running, chromium: str, tmp_path: Path, name: str, width: int, height: int
) -> None:
    from playwright.sync_api import sync_playwright

    photo = tmp_path / "cap.jpg"
    photo.write_bytes(make_photo(640, 480, seed=3))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        scheme: Literal["light", "dark"] = "dark" if name == "phone" else "light"
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        errors: list[str] = []
        outside: list[str] = []
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((public.url, "data:", "blob:"))
                else outside.append(asked.url)
            ),
        )
        page.goto(public.url)
        page.screenshot(path=tmp_path / f"{name}-upload.png", full_page=True)
        page.set_input_files("input[multiple]", photo)
        assert page.locator(".previews img").count() == 1
        assert "One photo is ready" in page.inner_text("[role=status]")
        page.click("button")
        page.wait_for_selector("#verdict")
        page.screenshot(path=tmp_path / f"{name}-result.png", full_page=True)
        overflow = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        browser.close()
    assert not errors
    assert not outside
    assert not overflow
