"""What a login lacks in Postgres: the login itself, or rights on tables; with what mends it."""

import os
import re
import shlex
from collections.abc import Iterator
from typing import Any

import psycopg

from mycovigil.missing import Missing, grant
from mycovigil.postgres import grants, timeouts
from mycovigil.settings import DatabaseSettings

SECONDS = 10.0
# The socket of an instance below /cloudsql.
SOCKET = re.compile("/cloudsql/(?P<project>[^:/]+):[^:/]+:(?P<instance>[^:/%]+)")
# Cloud Run's variables, and what its command line calls the thing that each names.
WORKLOADS = {
    "CLOUD_RUN_JOB": "jobs",
    "CLOUD_RUN_WORKER_POOL": "worker-pools",
    "K_SERVICE": "services",
}


def missing(database: DatabaseSettings, service: str | None) -> Iterator[Missing]:
    """What the login lacks, to begin with its rights as ``service``, if that is one.

    Nothing of a server that is away, which is told elsewhere.
    """
    try:
        with timeouts.connect(database, seconds=SECONDS, name="mycovigil-access") as connection:
            user = connection.info.user
            lacking = list(_lacking(connection, service)) if service else []
            there = connection.execute("SELECT to_regclass('models')").fetchone() != (None,)
        if not there:
            yield Missing("the tables in Postgres", "mycovigil migrate")
        if lacking:
            mend = f"mycovigil migrate --grant {shlex.quote(f'{service}={user}')}"
            yield Missing(f"rights in Postgres for {user}: {', '.join(lacking)}", mend)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction):
        yield Missing("the tables in Postgres", "mycovigil migrate")
    except psycopg.OperationalError as error:
        yield from login(database, str(error).strip().splitlines()[0])


def _lacking(connection: psycopg.Connection[Any], service: str) -> Iterator[str]:
    """Of the service's rights those that this login has not; who owns the tables has all."""
    for right, name in grants.pairs(service):
        kind = "function" if name.endswith(")") else "table"
        query = f"SELECT has_{kind}_privilege(%s, %s)"
        if connection.execute(query.encode(), (name, right)).fetchone() != (True,):
            yield f"{right} on {name}"


def login(database: DatabaseSettings, reason: str) -> Iterator[Missing]:
    """A refused login, by what Postgres or its socket said."""
    url = database.url.get_secret_value()
    found = SOCKET.search(url)
    project, instance = found.groups() if found else ("PROJECT", "INSTANCE")
    binding = f"gcloud projects add-iam-policy-binding {project}"
    if "no access token" in reason:
        mend = f"gcloud run {_workload()} --service-account=ACCOUNT"
        yield Missing(f"an account to log in to Postgres with: {reason}", mend)
    elif "no password supplied" in reason:
        mend = f"gcloud run {_workload()} --update-secrets=PGPASSWORD=mycovigil-database-password:1"
        yield Missing(f"the password for Postgres: {reason}", mend)
    elif "authentication failed" in reason and database.login == "google":
        user = psycopg.conninfo.conninfo_to_dict(url).get("user", "USER")
        create = f"gcloud sql users create {user} --instance={instance}"
        kind = "--type=cloud_iam_service_account"
        may = grant(binding, "roles/cloudsql.instanceUser")
        yield Missing(f"a login of Postgres: {reason}", f"{create} {kind} && {may}")
    elif "authentication failed" in reason:
        mend = f"gcloud sql users set-password USER --instance={instance} --prompt-for-password"
        yield Missing(f"the right password for Postgres: {reason}", mend)
    elif "/cloudsql/" in reason:
        yield Missing(f"the socket of Cloud SQL: {reason}", grant(binding, "roles/cloudsql.client"))


def _workload() -> str:
    """What updates the workload of Cloud Run that this process is, for ``gcloud run``."""
    for variable, noun in WORKLOADS.items():
        if name := os.environ.get(variable):
            return f"{noun} update {name}"
    return "services update SERVICE"
