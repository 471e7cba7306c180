"""Where Google Cloud and compose disagree about the services, in sentences."""

import re
from collections.abc import Iterator
from typing import Any

from factories.cloud import REPOSITORY, Workload

from mycovigil.settings import Settings, UnknownSetting, WrongSetting, variables
from mycovigil_drift.app import create_app as drift_app
from mycovigil_predictor.__main__ import GRACE_SECONDS
from mycovigil_predictor.app import create_app as predictor_app

# libpq's own, from Secret Manager.
LIBPQ = {"PGPASSWORD"}
# Of compose alone: there is no emulator in the cloud, and nobody to look at a file's age.
LOCAL = {"PUBSUB_EMULATOR_HOST", "MYCOVIGIL_DRIFT_HEARTBEAT"}
# Compose's one-off command, which Vertex AI or a person runs.
BY_HAND = {"train"}
STARTUP, LIVENESS = "/readyz", "/healthz"
APPS = {"predictor": predictor_app, "drift": drift_app}


def disagreements(workloads: dict[str, Workload], compose: dict[str, Any]) -> list[str]:
    """Nothing, if every service of compose runs in the cloud as it does there."""
    ours = {name: one for name, one in compose["services"].items() if "build" in one}
    found: list[str] = []
    for name in sorted(set(ours) - BY_HAND):
        if name not in workloads:
            found.append(f"{name}: not in the cloud")
            continue
        found += [f"{name}: {what}" for what in _differences(workloads[name], ours[name])]
    for name, workload in workloads.items():
        found += [f"{name}: {what}" for what in _wrong_settings(workload)]
        if workload.kind == "service":
            found += [f"{name}: {what}" for what in _wrong_http(name, workload)]
    return found


def _differences(cloud: Workload, local: dict[str, Any]) -> Iterator[str]:
    image = re.sub("@.*", "", cloud.image).rpartition("/")[2]
    if image != local["image"].rpartition("/")[2]:
        yield f"image {image}, in compose {local['image']}"
    if cloud.command[: len(local["command"])] != local["command"]:
        yield f"command {cloud.command}, in compose {local['command']}"
    if missing := set(local["environment"]) - set(cloud.environment) - LOCAL:
        yield f"lacks {', '.join(sorted(missing))}"
    ports = [int(one.split(":")[1]) for one in local.get("ports", [])]
    if ports != ([cloud.port] if cloud.port else []):
        yield f"port {cloud.port}, in compose {ports}"
    exposed = re.findall(
        r"^EXPOSE (\d+)", (REPOSITORY / local["build"]["dockerfile"]).read_text(), re.MULTILINE
    )
    if cloud.port and exposed != [str(cloud.port)]:
        yield f"port {cloud.port}, the image has {exposed}"
    grace = local.get("stop_grace_period")
    if grace and f"{cloud.timeout}s" != grace:
        yield f"a request may take {cloud.timeout} s, compose stops after {grace}"


def _wrong_settings(cloud: Workload) -> Iterator[str]:
    """Names and values, by the settings' own rules."""
    if unknown := set(cloud.environment) - set(variables()):
        yield f"{', '.join(sorted(unknown))}: no such setting"
    if unknown := set(cloud.secrets) - set(variables()) - LIBPQ:
        yield f"{', '.join(sorted(unknown))}: no such setting"
    yield from (f"{n}: version {v}" for n, v in cloud.secrets.items() if not v.isdecimal())


def settings_of(cloud: Workload, patch: Any) -> Settings | str:
    """What the service itself would read in the cloud, or why it would not start."""
    for name in variables():
        patch.delenv(name, raising=False)
    for name, value in cloud.environment.items():
        patch.setenv(name, value)
    try:
        return Settings.load()
    except (UnknownSetting, WrongSetting) as error:
        return str(error)


def _wrong_http(name: str, cloud: Workload) -> Iterator[str]:
    if cloud.startup != STARTUP:  # it asks the database; a TCP probe asks nobody
        yield f"startup probe {cloud.startup}, not {STARTUP}"
    if cloud.liveness != LIVENESS:  # it asks the process alone
        yield f"liveness probe {cloud.liveness}, not {LIVENESS}"
    routes = APPS[name](Settings()).openapi()["paths"]
    yield from (
        f"no route {path}" for path in (cloud.startup, cloud.liveness) if path not in routes
    )
    own = Settings().predictor.deadline_seconds + GRACE_SECONDS
    if name == "predictor" and (cloud.timeout or 0) < own:
        yield f"a request may take {cloud.timeout} s, the drain takes {own} s"
    if cloud.environment.get(f"MYCOVIGIL_{name.upper()}_PORT") != str(cloud.port):
        yield f"listens on another port than {cloud.port}"
    if cloud.environment.get(f"MYCOVIGIL_{name.upper()}_HOST") != "0.0.0.0":
        yield "listens to itself alone"
