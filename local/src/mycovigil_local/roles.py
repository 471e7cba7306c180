"""Database roles of an embedded server: each service logs in with its least rights."""

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from mycovigil.postgres import grants
from mycovigil.postgres.engine import one_session
from mycovigil.settings import DatabaseSettings

# Whose rights each service of a stack needs: its one worker trains, too.
SERVICES = {
    "predictor": ("predictor",),
    "drift": ("drift",),
    "worker": ("worker", "trainer"),
    "beat": ("worker", "trainer"),
    "trigger": ("trigger",),
}


def addresses(database: DatabaseSettings) -> dict[str, str]:
    """The database's URL for each service; makes roles that are missing, as a superuser."""
    roles = {services: f"mycovigil_{services[0]}" for services in SERVICES.values()}
    with one_session(database, seconds=database.job_seconds) as session:
        for services, role in roles.items():
            _make(session, role)
            grants.grant(session, role, services)
    url = make_url(database.url.get_secret_value())
    return {
        name: url.set(username=roles[services]).render_as_string(hide_password=False)
        for name, services in SERVICES.items()
    }


def _make(session: Session, role: str) -> None:
    there = session.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not there:
        session.execute(text(f"CREATE ROLE {role} LOGIN"))
