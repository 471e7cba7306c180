"""Every page in a real browser on a seeded month: it loads, fits, stays at home, and links on."""

import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser import browsing, serving, visiting
from factories.history import History, make_history
from factories.key import make_key
from factories.shortened import shortened
from PIL import Image
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from mycovigil.db.report import Comparison
from mycovigil.postgres import migration
from mycovigil.postgres.engine import one_session
from mycovigil.settings import (
    DatabaseSettings,
    DriftSettings,
    PublisherSettings,
    RedisSettings,
    Settings,
    StorageSettings,
)
from mycovigil.storage import Storage, photo_key
from mycovigil_drift.app import create_app
from mycovigil_local.postgres import create_database

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Site:
    url: str
    key: str
    database: DatabaseSettings
    history: History
    browser: Browser


@pytest.fixture(scope="module")
def site(
    postgres_server: str,
    redis_url: str,
    chromium: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A database of its own, so that other tests' clean-ups do not reach it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = DatabaseSettings(url=create_database(postgres_server, f"pages_{worker}"))
    migration.upgrade(database)
    storage = StorageSettings(url=str(tmp_path_factory.mktemp("storage")))
    with one_session(database) as session:
        key = make_key(session)
        page = Storage(storage).write("reports/x/evidently.html", b"<script>1</script>Evidently")
        history = make_history(session, gallery=_gallery(Storage(storage)), evidently_uri=page)
    settings = Settings(
        database=database,
        redis=RedisSettings(url=redis_url),
        publisher=PublisherSettings(backend="redis", topic_prefix="pages"),
        storage=storage,
        drift=DriftSettings(port=0),
    )
    with serving(create_app(settings)) as url, browsing(chromium) as browser:
        yield Site(url, key, database, history, browser)


def _gallery(storage: Storage) -> list[dict[str, object]]:
    """One photo that is kept, one that never was, one that was deleted."""
    image = io.BytesIO()
    Image.new("RGB", (64, 64), (140, 90, 60)).save(image, "JPEG")
    digest = hashlib.sha256(image.getvalue()).hexdigest()
    kept = storage.write(photo_key(digest), image.getvalue())
    gone = photo_key("0" * 64)
    near = {"ordinal": 1, "species": "Amanita muscaria", "label": "poisonous", "image_key": None}
    return [
        {"prediction_id": "a", "score": 0.9, "label": "deadly", "image_key": key, "neighbours": [n]}
        for key, n in ((kept, near | {"image_key": kept}), (None, near), (gone, near))
    ]


PAGES: dict[str, tuple[Callable[[History], str], str]] = {
    "overview": (lambda history: "/", "Calm"),
    "slices": (lambda history: "/slices", "Slices"),
    "slices by hour": (lambda history: "/slices?dimension=hour&nights=60", "Slices"),
    "compare": (lambda history: "/compare/nights", "Compare two nights"),
    "two nights": (
        lambda history: f"/compare/nights?a={history.reports[21].id}&b={history.reports[22].id}",
        "Compare two nights",
    ),
    "two reference sets": (
        lambda history: (
            f"/compare/reference-sets?a={history.references[0].id}&b={history.references[1].id}"
        ),
        "Compare two reference sets",
    ),
    "stretches": (lambda history: "/compare/stretches", "Compare two stretches"),
    "alerts": (lambda history: "/alerts", "Alerts"),
    "alert rules": (lambda history: "/alert-rules", "Alert rules"),
    "silences": (lambda history: "/silences", "Silences"),
    "audit trail": (lambda history: "/audit", "Audit trail"),
    "photos encoded anew": (lambda history: "/encodings", "Photos encoded anew"),
    "nights": (lambda history: "/reports", "Nights"),
    "calm night": (lambda history: f"/reports/{history.reports[5].id}", "Calm"),
    "thin night": (lambda history: f"/reports/{history.reports[4].id}", "Too few photos"),
    "failed night": (lambda history: f"/reports/{history.reports[13].id}", "Not judged"),
    "drifted night": (lambda history: f"/reports/{history.reports[14].id}", "Drift"),
    "learning night": (lambda history: f"/reports/{history.reports[1].id}", "Learning"),
    "baseline": (lambda history: "/baseline", "Baseline"),
    "incidents": (lambda history: "/incidents", "Incidents"),
    "incident": (lambda history: f"/incidents/{history.incidents[1].id}", "Novel species"),
    "models": (lambda history: "/models", "Models"),
    "model": (lambda history: f"/models/{history.second.id}", "mini-2026.11-a"),
    "refused model": (lambda history: f"/models/{history.refused.id}", "mini-2026.10-b"),
    "retrain jobs": (lambda history: "/retrain-jobs", "Retrains"),
    "retrain job": (lambda history: f"/retrain-jobs/{history.jobs[1].id}", "Retrain"),
    "reference sets": (lambda history: "/reference-sets", "Reference sets"),
    "reference set": (
        lambda history: f"/reference-sets/{history.references[0].id}",
        "mini-2026.10-a training",
    ),
}


COMPARED = {
    "p_value": 0.0031,
    "p_days": 0.0031,
    "p_rows": 0.0001,
    "ratio": 2.4,
    "rank": 1,
    "first_days": 9,
    "second_days": 1,
    "first_photos": 1200,
    "second_photos": 130,
    "views": [{"name": "location", "group": "photos", "p_value": 0.0005, "effect": 2.4}],
    "notes": [],
}


@pytest.mark.parametrize("name", shortened(PAGES, "overview", "drifted night"))
def test_a_page_loads_fits_and_asks_nobody_else(site: Site, name: str) -> None:
    address, title = PAGES[name]
    with visiting(site.browser, site.url + address(site.history), key=site.key) as visit:
        assert visit.status == 200
        assert visit.page.inner_text("h1") == title
        assert visit.overflow == 0
        _picture(visit.page, f"{name} laptop")
        visit.on_phone()
        assert visit.overflow == 0
        _picture(visit.page, f"{name} phone")
        assert visit.complaints == []
        assert [r for r in visit.requested if not r.startswith((site.url, "data:"))] == []


def _picture(page: Page, name: str) -> None:
    """Kept where ``SCREENSHOTS`` names a folder, to be looked at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.whole
def test_from_the_time_line_to_the_model_that_answered(site: Site) -> None:
    """Night, incident, retrain job, model, and back to its reference set, by links alone."""
    with visiting(site.browser, site.url + "/", key=site.key) as visit:
        page = visit.page
        page.locator("svg.timeline.wide a:has(.point.drift)").last.click()
        page.wait_for_url(re.compile("/reports/"))
        page.get_by_role("link", name=re.compile("Incident: novel")).click()
        page.wait_for_url(re.compile("/incidents/"))
        page.get_by_role("link", name="Retrain succeeded").click()
        page.wait_for_url(re.compile("/retrain-jobs/"))
        page.get_by_role("link", name="mini-2026.11-a").first.click()
        page.wait_for_url(re.compile("/models/"))
        page.get_by_role("link", name="48 photos").click()
        page.wait_for_url(re.compile("/reference-sets/"))
        assert page.inner_text("h1") == "mini-2026.11-a production"
        assert visit.complaints == []


def test_an_incident_is_acknowledged_without_javascript(
    postgres_server: str, site: Site, tmp_path: Path
) -> None:
    """By keyboard alone: to the button, and press it."""
    del postgres_server, tmp_path
    with site.browser.new_context(java_script_enabled=False) as context:
        host = site.url.split("//")[1].split(":")[0]
        cookie = {"name": "mycovigil_key", "value": site.key, "domain": host, "path": "/"}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.goto(site.url + "/silences")
        page.fill("input[name=hours]", "3")
        page.fill("input[name=reason]", "a new lens")
        page.press("input[name=reason]", "Enter")
        page.wait_for_url(site.url + "/silences")
        assert "Silenced." in page.inner_text(".notice")
        page.get_by_role("button", name="End now").press("Enter")
        page.wait_for_load_state()
        assert "over" in page.inner_text("tbody tr:first-child")


def test_a_comparison_is_asked_for_and_shown_once_it_is_made(site: Site) -> None:
    """The page follows the worker, here played by a row, without JavaScript."""
    pair = f"?a={site.history.reports[16].id}&b={site.history.reports[17].id}"
    with visiting(site.browser, f"{site.url}/compare/nights{pair}", key=site.key) as visit:
        page = visit.page
        page.get_by_role("button", name="Test the second against the first").click()
        page.get_by_text("The worker compares the two").last.wait_for()
        _picture(page, "comparison waits laptop")
        with one_session(site.database) as session:
            row = session.scalars(select(Comparison).where(Comparison.handled_at.is_(None))).one()
            row.handled_at, row.result = row.created_at, COMPARED
        page.get_by_text("2.4 times what the 9 days of the first vary by").wait_for()
        _picture(page, "comparison laptop")
        page.goto(f"{site.url}/compare/stretches?id={row.id}")
        assert page.input_value("input[name=a_start]").endswith("T00:00")
        _picture(page, "stretches compared laptop")
        assert visit.complaints == []


@pytest.mark.whole
def test_nights_are_walked_one_by_one(site: Site) -> None:
    first, second = site.history.reports[0], site.history.reports[1]
    with visiting(site.browser, f"{site.url}/reports/{first.id}", key=site.key) as visit:
        assert visit.page.locator("a[rel=prev]").count() == 0
        visit.page.locator("a[rel=next]").click()
        visit.page.wait_for_url(re.compile(str(second.id)))
        visit.page.locator("a[rel=prev]").click()
        visit.page.wait_for_url(re.compile(str(first.id)))


def test_a_gallery_shows_what_was_kept_and_says_what_was_not(site: Site) -> None:
    url = f"{site.url}/reports/{site.history.reports[14].id}"
    with visiting(site.browser, url, key=site.key) as visit:
        gallery = visit.page.locator(".gallery")
        gallery.scroll_into_view_if_needed()
        pictures = gallery.locator("img").all()
        decoded = "async picture => { await picture.decode(); return picture.naturalWidth; }"
        assert [picture.evaluate(decoded) for picture in pictures] == [64, 64, 96]
        assert gallery.locator(".lost").all_inner_texts()[0] == "not kept"
        assert visit.complaints == []


def test_evidently_runs_without_our_origin(site: Site) -> None:
    url = f"{site.url}/v1/reports/{site.history.reports[14].id}/evidently"
    with visiting(site.browser, url, key=site.key) as visit:
        assert visit.page.evaluate("window.origin") == "null"


def test_a_key_opens_the_pages_and_a_wrong_one_does_not(site: Site) -> None:
    with visiting(site.browser, f"{site.url}/models?status=rejected") as visit:
        page = visit.page
        assert page.url == f"{site.url}/login?next=%2Fmodels%3Fstatus%3Drejected"
        page.fill("#key", f"myco_{'0' * 12}_{'x' * 43}")
        page.click("main button")
        assert page.inner_text("#refusal") == "the API key is unknown."
        page.fill("#key", site.key)
        page.click("main button")
        page.wait_for_url(f"{site.url}/models?status=rejected")
        assert page.inner_text("td:first-child") == "mini-2026.10-b"
        assert page.evaluate("document.cookie") == ""


@pytest.mark.whole
def test_docs_work_without_a_cdn(site: Site) -> None:
    with visiting(site.browser, f"{site.url}/docs") as visit:
        visit.page.get_by_text("/v1/reports/{report_id}/gallery").wait_for()
        assert [r for r in visit.requested if not r.startswith((site.url, "data:"))] == []
        assert visit.complaints == []
