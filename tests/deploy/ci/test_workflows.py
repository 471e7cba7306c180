"""Workflows run make targets alone, by actions of fixed commits, with the least rights."""

import itertools
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
# `make a b`, a target by a variable of the step, and assignments.
COMMAND = re.compile(r'make((?: (?:[a-z][a-z-]*|"\$[A-Z_]+"))+)')
VALUE = re.compile(r"\$\{\{ matrix\.(\w+) \}\}")
# Rights that a job may have beyond reading the repository, and what for.
RIGHTS = {"contents", "id-token", "attestations", "pages", "pull-requests"}


def document(file: Path) -> dict[Any, Any]:
    return dict(yaml.safe_load(file.read_text()))


def jobs(file: Path) -> dict[str, Any]:
    return dict(document(file)["jobs"])


def steps(file: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every step with its job."""
    return [(job, step) for job in jobs(file).values() for step in job["steps"]]


def values(job: dict[str, Any], expression: str) -> set[str]:
    """What an expression may be: the values of the matrix, or the constant itself."""
    found = VALUE.fullmatch(expression)
    if found is None:
        return {expression}
    matrix = job["strategy"]["matrix"]
    included = [one[found[1]] for one in matrix.get("include", []) if found[1] in one]
    return {str(one) for one in [*matrix.get(found[1], []), *included]}


def targets_of(job: dict[str, Any], step: dict[str, Any]) -> set[str]:
    """The make targets that a step runs; fails if it runs anything else."""
    found = COMMAND.fullmatch(step["run"])
    assert found, f"not a make target alone: {step['run']}"
    named: set[str] = set()
    for word in found[1].split():
        named |= values(job, step["env"][word.strip('"$')]) if "$" in word else {word}
    return named


@pytest.fixture(scope="module")
def targets() -> set[str]:
    """Every target that the Makefile declares."""
    asked = ["make", "--print-data-base", "--question", "--no-builtin-rules", ".PHONY"]
    done = subprocess.run(
        asked, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    (line,) = re.findall(r"^\.PHONY:(.+)$", done.stdout, re.MULTILINE)
    return set(line.split())


def test_there_are_workflows() -> None:
    assert {"ci", "nightly"} <= {file.stem for file in WORKFLOWS}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_job_runs_make_targets_that_exist(file: Path, targets: set[str]) -> None:
    run = [targets_of(job, step) for job, step in steps(file) if "run" in step]
    assert run
    assert set(itertools.chain(*run)) <= targets


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_and_say_their_version(file: Path) -> None:
    used = re.findall(r"uses: (.+)", file.read_text())
    assert len(used) == len([step for _, step in steps(file) if "uses" in step])
    for one in used:
        assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


def test_an_action_has_one_version_everywhere() -> None:
    used = {one for file in WORKFLOWS for one in re.findall(r"uses: (\S+)", file.read_text())}
    assert len({one.partition("@")[0] for one in used}) == len(used)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_job_has_the_rights_that_it_names_and_an_end(file: Path) -> None:
    assert document(file)["permissions"] == {}
    assert "concurrency" in document(file)
    for name, job in jobs(file).items():
        assert set(job["permissions"]) <= RIGHTS, name
        assert 0 < job["timeout-minutes"] <= 360, name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_no_checkout_leaves_its_credentials_behind(file: Path) -> None:
    checkouts = [
        step for _, step in steps(file) if step.get("uses", "").startswith("actions/checkout")
    ]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_gate_waits_for_every_other_job() -> None:
    found = jobs(REPOSITORY / ".github" / "workflows" / "ci.yml")
    gate = found.pop("gate")
    assert set(gate["needs"]) == set(found)
    assert gate["if"] == "always()"


def test_the_matrix_has_both_systems_every_python_and_two_torches() -> None:
    test = jobs(REPOSITORY / ".github" / "workflows" / "ci.yml")["test"]
    assert values(test, "${{ matrix.python }}") == {"3.11", "3.12", "3.13", "3.14"}
    assert values(test, "${{ matrix.torch }}") == {"lowest", "newest"}
    assert {one.split("-")[0] for one in values(test, "${{ matrix.os }}")} == {"ubuntu", "macos"}


def test_ci_runs_the_whole_system_wherever_it_runs_the_everyday_suite() -> None:
    test = jobs(REPOSITORY / ".github" / "workflows" / "ci.yml")["test"]
    run = [target for step in test["steps"] if "run" in step for target in targets_of(test, step)]
    assert run == ["system", "ci-test", "whole"]
    stages = re.findall(r"^stage (\w+)", (REPOSITORY / ".ci" / "run").read_text(), re.MULTILINE)
    assert stages[-3:] == ["tests", "whole", "coverage"]


def test_updates_wait_for_seven_days() -> None:
    updates = document(REPOSITORY / ".github" / "dependabot.yml")["updates"]
    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)
    done = subprocess.run(
        ["make", "--dry-run", "lock"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    resolving = [
        line for line in done.stdout.splitlines() if re.search(r"lock\.py|pip compile", line)
    ]
    assert len(resolving) == 3
    assert all('--exclude-newer "7 days"' in line for line in resolving)
