"""Give each service's database role its least rights.

Tables belong to the role that runs the migrations: a service owns none and makes none.
"""

from collections.abc import Iterable

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from mycovigil.postgres import named_lock
from mycovigil.postgres.migration import LOCK
from mycovigil.postgres.rights import RIGHTS


class UnknownRole(LookupError):
    """The database server has no such role."""


class RoleOwnsTables(ValueError):
    """The role owns tables, so that no REVOKE takes its rights away."""


def pairs(service: str) -> list[tuple[str, str]]:
    """(right, table or function) of all that ``service`` needs."""
    return [(right, name) for name, rights in RIGHTS[service].items() for right in rights]


def statements(role: str, *services: str) -> list[str]:
    """SQL that gives ``role``, a quoted identifier, what ``services`` need and takes all else."""
    functions = [name for rights in RIGHTS.values() for name in rights if name.endswith(")")]
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
        *(f"REVOKE ALL ON FUNCTION {name} FROM {role}" for name in functions),
        f"GRANT USAGE ON SCHEMA public TO {role}",
        *(
            f"GRANT {', '.join(rights)} ON {'FUNCTION ' * name.endswith(')')}{name} TO {role}"
            for service in services
            for name, rights in RIGHTS[service].items()
        ),
    ]


def grant(session: Session, role: str, services: Iterable[str]) -> None:
    """Give ``role`` the rights of ``services``, and no others, in the caller's transaction.

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
    for statement in statements(quoted, *services):
        session.execute(text(statement))
