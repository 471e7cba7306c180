"""Commands that run in the cloud, or that its README names, are commands of ours."""

import importlib.util
import json
import re
from datetime import timedelta

from factories.cloud import DEPLOY, Plan, Workload, resources
from typer.testing import CliRunner

from mycovigil.cli import app
from mycovigil.settings import Settings
from mycovigil_worker.app import due

README = (DEPLOY / "gcp" / "README.md").read_text()


def understood(words: list[str]) -> bool:
    """Whether ``mycovigil WORDS`` is a command whose options are all there."""
    options = [word for word in words if word.startswith("--")]
    command = words[: words.index(options[0])] if options else words
    helped = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    return helped.exit_code == 0 and all(option in helped.output for option in options)


def test_every_command_is_one_of_ours(workloads: dict[str, Workload]) -> None:
    for name, workload in workloads.items():
        program, option, module, *rest = workload.command
        assert (program, option) in {("python", "-m"), ("celery", "-A")}, name
        assert importlib.util.find_spec(module), name
        if module == "mycovigil":
            assert understood(rest), rest


def test_a_run_of_a_job_may_be_another_command(plan: Plan) -> None:
    """``--args`` replaces all but the first word."""
    for job in resources(plan, "google_cloud_run_v2_job").values():
        (container,) = job["template"][0]["template"][0]["containers"]
        assert container["command"] == ["python"]
    (words,) = re.findall(r"--args=-m,mycovigil,(\S+)", README)
    command = words.split(",")
    scopes = [command[n + 1] for n, word in enumerate(command) if word == "--scope"]
    assert understood([word for word in command if word not in {*scopes, "first"}])
    assert scopes == ["predict", "label", "read"]


def test_the_night_starts_a_minute_after_it_is_due(plan: Plan) -> None:
    (schedule,) = resources(plan, "google_cloud_scheduler_job").values()
    minute, hour, *days = schedule["schedule"].split()
    at = due(Settings())
    assert at is not None
    start = timedelta(hours=int(hour), minutes=int(minute))
    assert start == timedelta(hours=min(at.hour), minutes=min(at.minute) + 1)
    assert days == ["*", "*", "*"]
    assert schedule["http_target"][0]["uri"].endswith("/jobs/mycovigil-night:run")


def test_the_readme_names_every_file() -> None:
    files = {file.name for file in (DEPLOY / "gcp").glob("*.tf")}
    not_named = {name for name in files if f"`{name}`" not in README}
    assert not_named == {"outputs.tf", "variables.tf", "versions.tf"}


def test_no_file_is_long() -> None:
    files = [file for file in (DEPLOY / "gcp").rglob("*.*") if file.is_file()]
    assert not [file.name for file in files if file.read_text().count("\n") >= 250]


def test_the_committed_schema_is_of_the_types_that_are_used() -> None:
    """``make provider-schema`` writes it again; a type that it lacks is refused by Terraform."""
    texts = [file.read_text() for file in (DEPLOY / "gcp").rglob("*.tf")]
    used = {one for text in texts for one in re.findall(r'^(resource|data) "(\w+)"', text, re.M)}
    schema = json.loads((DEPLOY / "tools" / "provider_google.json").read_text())
    assert {(kind, name) for kind in ("resource", "data") for name in schema[kind]} == used
