"""A real server in a thread, and a real browser that tells all it has to complain about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from factories.server import served
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

LAPTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application under uvicorn in a thread; yields its address."""
    config = uvicorn.Config(app, port=0, log_config=None, ws="none")
    url, stop = served(uvicorn.Server(config))
    try:
        yield url
    finally:
        stop()


@contextmanager
def browsing(executable: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A loaded page with what the browser had to say about it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    status: int = 0

    def on_phone(self) -> None:
        """The same page in a hand at night."""
        self.page.set_viewport_size(PHONE)
        self.page.emulate_media(color_scheme="dark")

    @property
    def overflow(self) -> int:
        """Pixels that stick out to the right."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(width))


@contextmanager
def visiting(browser: Browser, url: str, *, key: str | None = None) -> Iterator[Visit]:
    """Open ``url`` on a laptop, by daylight, logged in with ``key``."""
    page = _page(browser)
    page.context.clear_cookies()
    if key is not None:
        host = urlsplit(url).hostname or ""
        page.context.add_cookies(
            [{"name": "mycovigil_key", "value": key, "domain": host, "path": "/"}]
        )
    visit = Visit(page)
    listeners: dict[Any, Callable[[Any], None]] = {
        "console": lambda said: visit.complaints.append(f"{said.type}: {said.text}"),
        "pageerror": lambda error: visit.complaints.append(str(error)),
        "request": lambda request: visit.requested.append(request.url),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    answer = page.goto(url, wait_until="load")
    visit.status = answer.status if answer else 0
    yield visit
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def _page(browser: Browser) -> Page:
    """The one page of all visits, as it was: a window of its own for each would cost a second, in
    which Chromium draws its toolbar."""
    if not browser.contexts:
        return browser.new_context(viewport=LAPTOP, color_scheme="light").new_page()
    (page,) = browser.contexts[0].pages
    page.goto("about:blank")
    page.set_viewport_size(LAPTOP)
    page.emulate_media(color_scheme="light")
    return page
