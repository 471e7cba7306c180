"""The least rights of the predictor's database role: it owns nothing and makes no tables."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from mycovigil.postgres import named_lock
from mycovigil.postgres.migration import LOCK

# By table. Rights on ``predictions`` hold for its partitions. Bringing home what the spool keeps
# needs a temporary table too, which Postgres allows everybody in a database by default.
PREDICTOR: dict[str, tuple[str, ...]] = {
    "answer_stops": ("SELECT",),
    "api_keys": ("SELECT",),
    "drift_reports": ("SELECT",),
    "encoders": ("SELECT",),
    "idempotency_keys": ("SELECT", "INSERT"),
    "label_requests": ("SELECT",),
    "labels": ("SELECT", "INSERT", "UPDATE"),
    "models": ("SELECT",),
    "predictions": ("SELECT", "INSERT"),
}


class UnknownRole(LookupError):
    """The database server has no such role."""


class RoleOwnsTables(ValueError):
    """The role owns tables, so that no REVOKE takes its rights away."""


def statements(role: str) -> list[str]:
    """SQL that gives ``role``, a quoted identifier, these rights and takes all others away."""
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        *(f"GRANT {', '.join(rights)} ON {table} TO {role}" for table, rights in PREDICTOR.items()),
    ]


def grant_predictor(session: Session, role: str) -> None:
    """Give ``role`` the rights of a predictor, in the caller's transaction.

    Holds the lock of all migrations: of two that grant at once, Postgres would refuse one ("tuple
    concurrently updated").

    Raises:
        UnknownRole: the server has no such role.
        RoleOwnsTables: it is an owner, as the predictor's role of 0.1 had to be.
    """
    named_lock.hold(session, LOCK)
    roles = select(func.count()).select_from(text("pg_roles")).where(text("rolname = :role"))
    if not session.scalar(roles, {"role": role}):
        raise UnknownRole(f"there is no database role {role}: make it with CREATE ROLE first")
    owned = text(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = :role"
    )
    if count := session.scalar(owned, {"role": role}):
        raise RoleOwnsTables(
            f"{role} owns {count} tables and keeps every right on them: run "
            f"REASSIGN OWNED BY {role} TO another role first"
        )
    quoted = session.get_bind().dialect.identifier_preparer.quote(role)
    for statement in statements(quoted):
        session.execute(text(statement))
