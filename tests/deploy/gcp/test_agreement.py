"""Cloud and compose run the same services: names, images, commands, variables, ports, probes."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from factories.cloud import DEPLOY, REPOSITORY, Workload, planned, workloads_of
from factories.cloud_agreement import disagreements, settings_of

from mycovigil.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())


def test_cloud_and_compose_agree(workloads: dict[str, Workload]) -> None:
    assert not disagreements(workloads, COMPOSE)
    assert len(workloads) == 8


def test_every_service_starts_with_what_it_is_given(
    workloads: dict[str, Workload], monkeypatch: pytest.MonkeyPatch
) -> None:
    for workload in workloads.values():
        settings = settings_of(workload, monkeypatch)
        assert isinstance(settings, Settings), settings
        assert settings.storage.url == "gs://fungi-mycovigil-storage"
        assert settings.publisher.backend == "pubsub"
        assert "/cloudsql/" in settings.database.url.get_secret_value()
        assert "/cloudsql" in workload.mounts
        by_password = workload.name == "mycovigil-migrate"
        assert ("PGPASSWORD" in workload.secrets) == by_password
        assert (settings.database.login == "password") == by_password


# What a slip of the pen would look like, and what is said about it.
SLIPS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a variable that no setting reads": (
        "worker",
        {"environment": {"MYCOVIGIL_DATABASE_URI": "postgresql://"}},
        "MYCOVIGIL_DATABASE_URI: no such setting",
    ),
    "a probe that asks nobody": ("predictor", {"startup": None}, "startup probe None"),
    "a path that is not there": ("drift", {"liveness": "/health"}, "no route /health"),
    "another command": ("trainer", {"command": ["celery"]}, "command ['celery']"),
    "another port": ("drift", {"port": 8080}, "port 8080, in compose [8001]"),
    "another image": ("beat", {"image": "x/drift@sha256:0"}, "image drift"),
    "a secret that may change": (
        "trigger",
        {"secrets": {"PGPASSWORD": "latest"}},
        "version latest",
    ),
    "too short a drain": ("predictor", {"timeout": 10}, "the drain takes 35"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_found(workloads: dict[str, Workload], slip: str) -> None:
    name, change, said = SLIPS[slip]
    broken = workloads | {name: replace(workloads[name], **change)}
    assert any(said in one for one in disagreements(broken, COMPOSE))


def test_a_service_that_is_left_out_is_found(workloads: dict[str, Workload]) -> None:
    fewer = {name: one for name, one in workloads.items() if name != "trigger"}
    assert disagreements(fewer, COMPOSE) == ["trigger: not in the cloud"]


def copied(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of ``deploy`` with a slip of the pen in ``file``."""
    for part in ("gcp", "grafana", "prometheus"):
        shutil.copytree(DEPLOY / part, folder / part)
    target = folder / "gcp" / file
    assert old in target.read_text()
    target.write_text(target.read_text().replace(old, new, 1))
    return folder


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "database.tf",
            "disk_autoresize ",
            "disk_autoresizes ",
            'named "disk_autoresizes" is not expected',
        ),
        ("services.tf", "var.encoder", "var.encoders", 'with the name "encoders" has not been'),
        ("valkey.tf", "  shard_count ", "  #", 'The argument "shard_count" is required'),
    ],
)
def test_terraform_refuses_a_slip(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        planned(copied(tmp_path, file, old, new))


@pytest.mark.usefixtures("plan")
def test_slips_in_the_files_themselves_are_found(tmp_path: Path) -> None:
    broken = copied(tmp_path, "services.tf", "MYCOVIGIL_PUBSUB_PROJECT", "MYCOVIGIL_PUBSUB_PROJEKT")
    probe = broken / "gcp" / "modules" / "service" / "main.tf"
    probe.write_text(probe.read_text().replace("path = var.http.startup", 'path = "/"'))
    found = disagreements(workloads_of(planned(broken)), COMPOSE)
    assert "worker: MYCOVIGIL_PUBSUB_PROJEKT: no such setting" in found
    assert "worker: lacks MYCOVIGIL_PUBSUB_PROJECT" in found
    assert "predictor: startup probe /, not /readyz" in found
