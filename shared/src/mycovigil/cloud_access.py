"""What a service lacks in Google Cloud, told once at its start: a bucket, a right, a login.

Each is one log line with the command that mends it. Nothing waits for these checks and nothing is
refused by them: a service goes on as it would, and tries again by itself.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum
from typing import Any

import structlog

from mycovigil import cloud_database
from mycovigil.events.event import Topic
from mycovigil.missing import Missing, grant
from mycovigil.settings import Settings

SECONDS = 10.0
PROTOCOL = "gs://"
# Written at a start of who keeps photos, to learn whether it may.
PROBE = "photos/may-be-written"
log = structlog.get_logger(__name__)


class Need(Enum):
    """What a service does in Google Cloud: the permission, and the role that grants it."""

    READ = ("storage.objects.get", "roles/storage.objectViewer")
    WRITE = ("storage.objects.create", "roles/storage.objectUser")
    WRITE_PHOTOS = ("storage.objects.create below photos/", "roles/storage.objectUser")
    PUBLISH = ("pubsub.topics.publish", "roles/pubsub.publisher")
    CONSUME = ("pubsub.subscriptions.consume", "roles/pubsub.subscriber")


def report(settings: Settings, *needs: Need, service: str) -> None:
    """Log what is missing, in a thread of its own; the caller goes on at once.

    Nothing is asked where the storage is no bucket: such an installation is not in Google Cloud.

    Args:
        service: whose rights in Postgres the login should have.
    """
    if not settings.storage.url.startswith(PROTOCOL):
        return
    threading.Thread(
        target=_report, args=(settings, needs, service), name="cloud access", daemon=True
    ).start()


def _report(settings: Settings, needs: tuple[Need, ...], service: str) -> None:
    for one in missing(settings, *needs, service=service):
        log.error("missing in the cloud", what=one.what, mend=one.mend)


def sentence(settings: Settings) -> str | None:
    """What is missing, for a command that failed; none where nothing is, or not in the cloud."""
    if not settings.storage.url.startswith(PROTOCOL):
        return None
    found = missing(settings, Need.READ, Need.WRITE)
    return "; ".join(f"{one.what} is missing: {one.mend}" for one in found) or None


def missing(settings: Settings, *needs: Need, service: str | None = None) -> list[Missing]:
    """What ``needs`` and ``service`` lack; nothing of what cannot be asked now."""
    found: list[Missing] = []
    try:
        found += cloud_database.missing(settings.database, service)
    except Exception as error:
        log.debug("not checked", check="database", error=str(error))
    for check in (_bucket, _photos, _topics, _subscription):
        try:
            found += check(settings, needs)
        except Exception as error:  # of any client library: whatever is away is told elsewhere
            log.debug("not checked", check=check.__name__, error=str(error))
    return found


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


def _photos(settings: Settings, needs: tuple[Need, ...]) -> Iterator[Missing]:
    """By writing: the right may hold below ``photos/`` alone, which nothing else tells."""
    if Need.WRITE_PHOTOS not in needs:
        return
    import fsspec

    name, _, folder = settings.storage.url.removeprefix(PROTOCOL).partition("/")
    path = "/".join(part for part in (name, folder.strip("/"), PROBE) if part)
    try:
        fsspec.filesystem("gs").pipe_file(path, b"")
    except OSError as error:  # gcsfs has no other for 403
        if "forbidden" not in str(error).lower():
            raise
        target = f"gcloud storage buckets add-iam-policy-binding {PROTOCOL}{name}"
        yield from _not_granted([Need.WRITE_PHOTOS], [], f"{PROTOCOL}{name}", target)


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
