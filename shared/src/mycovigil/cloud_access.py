"""What a service lacks in Google Cloud, told once at its start: a bucket, a right, a login.

Each is one log line with the command that mends it. Nothing waits for these checks and nothing is
refused by them: a service goes on as it would, and tries again by itself.
"""

import shlex
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import psycopg
import structlog

from mycovigil.events.event import Topic
from mycovigil.postgres import grants, timeouts
from mycovigil.settings import Settings

SECONDS = 10.0
PROTOCOL = "gs://"
log = structlog.get_logger(__name__)


class Need(Enum):
    """What a service does in Google Cloud: the permission, and the role that grants it."""

    READ = ("storage.objects.get", "roles/storage.objectViewer")
    WRITE = ("storage.objects.create", "roles/storage.objectUser")
    PUBLISH = ("pubsub.topics.publish", "roles/pubsub.publisher")
    CONSUME = ("pubsub.subscriptions.consume", "roles/pubsub.subscriber")


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing, and the command that mends it."""

    what: str
    mend: str


def report(settings: Settings, *needs: Need) -> None:
    """Log what is missing, in a thread of its own; the caller goes on at once.

    Nothing is asked where the storage is no bucket: such an installation is not in Google Cloud.
    """
    if not settings.storage.url.startswith(PROTOCOL):
        return
    threading.Thread(
        target=_report, args=(settings, needs), name="cloud access", daemon=True
    ).start()


def _report(settings: Settings, needs: tuple[Need, ...]) -> None:
    for one in missing(settings, *needs):
        log.error("missing in the cloud", what=one.what, mend=one.mend)


def sentence(settings: Settings) -> str | None:
    """What is missing, for a command that failed; none where nothing is, or not in the cloud."""
    if not settings.storage.url.startswith(PROTOCOL):
        return None
    found = missing(settings, Need.READ, Need.WRITE)
    return "; ".join(f"{one.what} is missing: {one.mend}" for one in found) or None


def missing(settings: Settings, *needs: Need) -> list[Missing]:
    """What ``needs`` lack; nothing of what cannot be asked now."""
    found: list[Missing] = []
    for check in (_database, _bucket, _topics, _subscription):
        try:
            found += check(settings, needs)
        except Exception as error:  # of any client library: whatever is away is told elsewhere
            log.debug("not checked", check=check.__name__, error=str(error))
    return found


def _database(settings: Settings, _needs: tuple[Need, ...]) -> Iterator[Missing]:
    url = settings.database.url.get_secret_value()
    try:
        with timeouts.connect(url, seconds=SECONDS, name="mycovigil-access") as connection:
            user = connection.info.user
            lacking = list(_lacking(connection))
        if lacking:
            mend = f"mycovigil migrate --grant-predictor {shlex.quote(user)}"
            yield Missing(f"rights in Postgres for {user}: {', '.join(lacking)}", mend)
    except psycopg.errors.UndefinedTable:
        yield Missing("the tables in Postgres", "mycovigil migrate")
    except psycopg.OperationalError as error:
        yield from _login(_first(error))


def _lacking(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Of the predictor's rights those that this login has not; who owns the tables has all."""
    for table, rights in grants.PREDICTOR.items():
        for right in rights:
            asked = connection.execute("SELECT has_table_privilege(%s, %s)", (table, right))
            if asked.fetchone() != (True,):
                yield f"{right} on {table}"


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _login(reason: str) -> Iterator[Missing]:
    """A refused login; a server that is away is no missing right."""
    if "no password supplied" in reason:
        mend = "set PGPASSWORD from its secret, or name the password in MYCOVIGIL_DATABASE_URL"
        yield Missing(f"the password for Postgres: {reason}", mend)
    elif "authentication failed" in reason:
        mend = "gcloud sql users set-password USER --instance=INSTANCE --prompt-for-password"
        yield Missing(f"the right password for Postgres: {reason}", mend)
    elif "/cloudsql/" in reason:
        mend = grant("gcloud projects add-iam-policy-binding PROJECT", "roles/cloudsql.client")
        yield Missing(f"the socket of Cloud SQL: {reason}", mend)


def _bucket(settings: Settings, needs: tuple[Need, ...]) -> Iterator[Missing]:
    wanted = [need for need in (Need.READ, Need.WRITE) if need in needs]
    if not wanted:
        return
    import fsspec

    name = settings.storage.url.removeprefix(PROTOCOL).partition("/")[0]
    files = fsspec.filesystem("gs")
    permissions = [need.value[0] for need in wanted]
    try:
        granted = files.call(
            "GET", "b/{}/iam/testPermissions", name, permissions=permissions, json_out=True
        ).get("permissions", [])
    except FileNotFoundError:
        yield Missing(
            f"the bucket {PROTOCOL}{name}", f"gcloud storage buckets create {PROTOCOL}{name}"
        )
        return
    target = f"gcloud storage buckets add-iam-policy-binding {PROTOCOL}{name}"
    yield from _not_granted(wanted, granted, f"{PROTOCOL}{name}", target)


def _topics(settings: Settings, needs: tuple[Need, ...]) -> Iterator[Missing]:
    if Need.PUBLISH not in needs or settings.publisher.backend != "pubsub":
        return
    from google.cloud.pubsub_v1 import PublisherClient

    with PublisherClient() as client:
        for topic in (Topic.ALERTS, Topic.MODELS):
            name = f"{settings.publisher.topic_prefix}.{topic.value}"
            path = f"projects/{settings.publisher.project}/topics/{name}"
            yield from _in_pubsub(client.test_iam_permissions, Need.PUBLISH, "topics", path)


def _subscription(settings: Settings, needs: tuple[Need, ...]) -> Iterator[Missing]:
    if Need.CONSUME not in needs or settings.publisher.backend != "pubsub":
        return
    from google.cloud.pubsub_v1 import SubscriberClient

    with SubscriberClient() as client:
        name = f"{settings.publisher.topic_prefix}.{Topic.ALERTS.value}.retrain-trigger"
        path = f"projects/{settings.publisher.project}/subscriptions/{name}"
        yield from _in_pubsub(client.test_iam_permissions, Need.CONSUME, "subscriptions", path)


def _in_pubsub(ask: Callable[..., Any], need: Need, noun: str, path: str) -> Iterator[Missing]:
    from google.api_core.exceptions import NotFound

    try:
        request = {"resource": path, "permissions": [need.value[0]]}
        granted = ask(request=request, timeout=SECONDS).permissions
    except NotFound:
        yield Missing(f"{path} in Pub/Sub", f"gcloud pubsub {noun} create {path}")
        return
    target = f"gcloud pubsub {noun} add-iam-policy-binding {path}"
    yield from _not_granted([need], granted, path, target)


def _not_granted(
    wanted: Sequence[Need], granted: Collection[str], where: str, command: str
) -> Iterator[Missing]:
    for permission, role in (need.value for need in wanted):
        if permission not in granted:
            yield Missing(f"{permission} on {where}", grant(command, role))


def grant(command: str, role: str) -> str:
    """``command`` that gives ``role`` to the account that we run as."""
    return f"{command} --member=serviceAccount:{_account()} --role={role}"


def _account() -> str:
    """The service account that we run as, or a word for it."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials, _ = google.auth.default()
    except GoogleAuthError:
        return "ACCOUNT"
    name = getattr(credentials, "service_account_email", None)
    return str(name) if name and "@" in str(name) else "ACCOUNT"
