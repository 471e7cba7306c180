"""Servers that a stack brings itself where the environment names none."""

from contextlib import ExitStack
from pathlib import Path

from mycovigil.settings import secret_file
from mycovigil_local.emulator import emulator_command
from mycovigil_local.port import free_port
from mycovigil_local.postgres import EmbeddedPostgres, create_database, embedded
from mycovigil_local.process import Child, LineSink
from mycovigil_local.valkey import READY, valkey_command

# Seconds that a process has to become ready.
START_TIMEOUT = 120.0
# Variables that choose how events travel; with any of them, no emulator is started.
PUBSUB = {"PUBSUB_EMULATOR_HOST", "MYCOVIGIL_PUBSUB_BACKEND", "MYCOVIGIL_PUBSUB_PROJECT"}


def database_server(
    data: Path, environment: dict[str, str], sink: LineSink, exits: ExitStack
) -> EmbeddedPostgres | None:
    """Start Postgres unless ``environment`` names one, and name it there."""
    if _named(environment, "MYCOVIGIL_DATABASE_URL"):
        return None
    server = exits.enter_context(embedded(data / "postgres", sink))
    environment["MYCOVIGIL_DATABASE_URL"] = create_database(server.url, "mycovigil")
    sink("stack", f"Postgres 18 with pgvector in {data / 'postgres'}")
    return server


def brokers(
    data: Path, environment: dict[str, str], sink: LineSink, exits: ExitStack
) -> list[Child]:
    """Start Valkey and the Pub/Sub emulator unless ``environment`` names others; name them there.

    Returns:
        The processes to watch.
    """
    children: list[Child] = []
    if not _named(environment, "MYCOVIGIL_REDIS_URL"):
        port = free_port()
        command = valkey_command(data / "redis", port)
        redis = Child("redis", command, environment, sink, ready=READY)
        children.append(start(redis, exits))
        environment["MYCOVIGIL_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    if not PUBSUB & set(environment):
        children += _embedded_pubsub(environment, sink, exits)
    return children


def _named(environment: dict[str, str], name: str) -> bool:
    """Whether ``environment`` names the server; what a file says is there as a value afterwards."""
    if secret := secret_file.read(environment, name):
        environment[name] = secret
        del environment[name + secret_file.SUFFIX]
    return name in environment


def _embedded_pubsub(environment: dict[str, str], sink: LineSink, exits: ExitStack) -> list[Child]:
    port = free_port()
    command = emulator_command(port)
    if command is None:
        environment["MYCOVIGIL_PUBSUB_BACKEND"] = "redis"
        sink("stack", "no Pub/Sub emulator is installed: events go over Redis Streams")
        return []
    emulator = start(Child("pubsub", command, environment, sink, ready="Server started"), exits)
    environment["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{port}"
    return [emulator]


def start(child: Child, exits: ExitStack) -> Child:
    exits.callback(child.stop)
    child.start()
    child.wait_ready(START_TIMEOUT)
    return child
