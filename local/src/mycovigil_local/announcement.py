"""What ``mycovigil up`` prints when the stack is up."""

from collections.abc import Iterator
from pathlib import Path

import httpx

from mycovigil.models.demo.registration import NOTICE
from mycovigil_local.stack import Stack

NO_MODEL = (
    "none yet: mycovigil train PHOTOS, or for a try: mycovigil simulate photos && "
    "mycovigil train photos"
)


def announcement(stack: Stack, log: Path) -> Iterator[tuple[str, str]]:
    """Name and value of each line, the most wanted first."""
    yield "upload page", stack.predictor_url
    yield "predictor API", f"{stack.predictor_url}/docs"
    yield "dashboard", stack.drift_url
    yield "API key", stack.api_key
    yield "model", _model(stack)
    yield "events", _events(stack)
    yield "for scripts", str(stack.file)
    yield "log", f"{log} (--verbose shows it here)"
    yield "to stop", "Ctrl-C"


def _model(stack: Stack) -> str:
    """The version in production, marked where it is the demo model."""
    key = {"Authorization": f"Bearer {stack.api_key}"}
    answer = httpx.get(f"{stack.predictor_url}/v1/model", headers=key, timeout=5)
    if not answer.is_success:
        return NO_MODEL
    facts = answer.json()
    if facts["demo"]:
        return f"{facts['version']}, a {NOTICE}; your own: mycovigil train PHOTOS"
    return str(facts["version"])


def _events(stack: Stack) -> str:
    """How alerts and model changes are published."""
    if "PUBSUB_EMULATOR_HOST" in stack.environment:
        return f"Pub/Sub emulator at {stack.environment['PUBSUB_EMULATOR_HOST']}"
    if stack.environment.get("MYCOVIGIL_PUBSUB_BACKEND") == "redis":
        return "Redis Streams (no Pub/Sub emulator is installed or named)"
    return f"Google Pub/Sub, project {stack.environment.get('MYCOVIGIL_PUBSUB_PROJECT', 'default')}"
