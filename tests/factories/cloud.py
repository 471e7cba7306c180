"""What Terraform plans for Google Cloud, as workloads: made offline by ``build/tools``."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
TOOLS = REPOSITORY / "build" / "tools" / "bin" / "python"
KINDS = {
    "google_cloud_run_v2_service": "service",
    "google_cloud_run_v2_worker_pool": "pool",
    "google_cloud_run_v2_job": "job",
}
Plan = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """One service, worker pool or job of Cloud Run; of its containers, ours."""

    kind: str
    name: str
    account: str
    image: str
    command: list[str]
    environment: dict[str, str]
    secrets: dict[str, str]
    port: int | None = None
    startup: str | None = None
    liveness: str | None = None
    timeout: int | None = None
    mounts: list[str] = field(default_factory=list)


def planned(deploy: Path = DEPLOY) -> Plan:
    """The plan of ``deploy/gcp`` as JSON; kept below ``build`` while the sources stay as they are.

    Raises:
        ValueError: Terraform refuses the configuration; the message is what it says.
    """
    if not TOOLS.exists():
        pytest.skip("the checkers of deploy/ are not installed: make tools")
    sources = [file for part in ("gcp", "tools") for file in sorted((deploy / part).rglob("*.*"))]
    text = b"".join(file.read_bytes() for file in sources if file.is_file())
    kept = REPOSITORY / "build" / "plans" / f"{hashlib.sha256(text).hexdigest()[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        out = kept.with_suffix(f".{os.getpid()}")
        command = [str(TOOLS), str(DEPLOY / "tools" / "check.py"), "--deploy", str(deploy)]
        done = subprocess.run(
            [*command, "--plan", str(out)], capture_output=True, text=True, check=False, timeout=200
        )
        if done.returncode:
            raise ValueError(done.stdout + done.stderr)
        out.rename(kept)
    content: Plan = json.loads(kept.read_text())
    return content


def resources(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    """Planned values of every resource of a type, by address."""
    return {
        one["address"]: one["change"]["after"]
        for one in plan["resource_changes"]
        if one["type"] == kind and one["mode"] == "managed"
    }


def workloads_of(plan: Plan) -> dict[str, Workload]:
    """All that runs on Cloud Run, by name without the system's prefix."""
    return {
        values["name"].removeprefix("mycovigil-"): _workload(KINDS[kind], values)
        for kind in KINDS
        for values in resources(plan, kind).values()
    }


def _workload(kind: str, values: dict[str, Any]) -> Workload:
    (template,) = values["template"]
    if kind == "job":
        (template,) = template["template"]
    main = next(one for one in template["containers"] if one["name"] == "main")
    secrets = {one["name"]: one["value_source"] for one in main["env"] if one["value_source"]}
    return Workload(
        kind,
        values["name"],
        template["service_account"],
        main["image"],
        [*main["command"], *main["args"]],
        {one["name"]: one["value"] for one in main["env"] if one["name"] not in secrets},
        {name: one[0]["secret_key_ref"][0]["version"] for name, one in secrets.items()},
        port=main["ports"][0]["container_port"] if main.get("ports") else None,
        startup=_path(main, "startup_probe"),
        liveness=_path(main, "liveness_probe"),
        timeout=int(template["timeout"].removesuffix("s")) if template.get("timeout") else None,
        mounts=[one["mount_path"] for one in main["volume_mounts"]],
    )


def _path(container: dict[str, Any], probe: str) -> str | None:
    """Path of an HTTP probe; none where there is none, or one that asks for less."""
    found = container.get(probe) or [{}]
    http = found[0].get("http_get") or [{}]
    path: str | None = http[0].get("path")
    return path
