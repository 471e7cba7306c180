"""Whether a pooler stands before Postgres that gives a connection another server at each turn.

LISTEN (the relay, model reloads, requests) and advisory locks of a session (one worker a model,
one relay) then work on somebody else's connection: they must be refused, for they fail silently.
"""

import psycopg

KEY = "hashtext('mycovigil doctor')"
# Statements of one connection; of a session they all run on one server.
TURNS = 4
SECONDS = 5


def trouble(url: str) -> str | None:
    """Why the address cannot be used, or none. One without a server behind it has no trouble here.

    The pid that a pooler names is not the server's. In transaction mode two clients, one after the
    other, get the same server: a lock of the first one's session does not keep the second out. Or
    one client gets several in turn (``server_round_robin``).
    """
    try:
        with _connect(url) as first, _connect(url) as second:
            servers = {_scalar(first, "SELECT pg_backend_pid()") for _ in range(TURNS)}
            if servers == {first.info.backend_pid}:
                return None
            locked = _scalar(first, f"SELECT pg_try_advisory_lock({KEY})")
            entered = _scalar(second, f"SELECT pg_try_advisory_lock({KEY})")
            first.execute("SELECT pg_advisory_unlock_all()")
            second.execute("SELECT pg_advisory_unlock_all()")
    except psycopg.OperationalError as error:
        if "startup parameter" in str(error):
            return "a PgBouncer refuses our options: set ignore_startup_parameters = options there"
        return None
    if len(servers) > 1 or (locked and entered):
        return (
            "a pooler in transaction mode: LISTEN and advisory locks do not work through it. Use "
            "Postgres itself, or pool_mode = session"
        )
    return None


def _connect(url: str) -> psycopg.Connection[tuple[object]]:
    """As the services do, with options at the start."""
    return psycopg.connect(
        url, autocommit=True, connect_timeout=SECONDS, options=f"-c statement_timeout={SECONDS}s"
    )


def _scalar(connection: psycopg.Connection[tuple[object]], query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
