"""Check ``deploy/gcp`` without Google: ``make check-deploy``.

``python deploy/tools/check.py`` runs all checks, says what failed, and ends with a line that counts
what was checked. ``--plan FILE`` only writes Terraform's plan of ``example.tfvars`` as JSON, with
the schemas' descriptors under ``schemas``, for the tests in ``tests/deploy/gcp``;
``--deploy FOLDER`` reads another copy of ``deploy``.
"""

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from terraform import DEPLOY, SCHEMA, Terraform, workspace

BIN = Path(sys.executable).parent


class Failed(Exception):
    """A check failed; the message is what the tool printed."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--deploy", type=Path, default=DEPLOY)
    arguments = parser.parse_args()
    try:
        with workspace(arguments.deploy) as terraform:
            if arguments.plan:
                valid(terraform)
                arguments.plan.write_text(json.dumps(planned(terraform, arguments.deploy)))
            else:
                check(terraform, arguments.deploy)
    except Failed as failure:
        sys.exit(str(failure))


def check(terraform: Terraform, deploy: Path) -> None:
    """Run every check; ends the process with 1 if one failed."""
    plan = planned(terraform, deploy)
    checks: dict[str, Callable[[], str]] = {
        "terraform fmt": lambda: formatted(terraform),
        "terraform validate": lambda: valid(terraform),
        "terraform test": lambda: tested(terraform),
        "terraform plan": lambda: counted(plan),
        "checkov": lambda: scanned(plan, deploy),
        "shellcheck": lambda: shell(deploy),
    }
    said, failed = [], 0
    for name, step in checks.items():
        try:
            said.append(step())
        except Failed as failure:
            failed += 1
            print(f"== {name} failed\n{failure}")
    print(f"deploy: {', '.join(said)}" + (f"; {failed} CHECKS FAILED" if failed else ""))
    sys.exit(failed > 0)


def formatted(terraform: Terraform) -> str:
    code, output = terraform.run("fmt", "-check", "-recursive", "-diff", "-no-color")
    if code:
        raise Failed(output)
    return "formatted"


def valid(terraform: Terraform) -> str:
    """Types, arguments, required ones, nested blocks and references, by the provider's schema."""
    code, output = terraform.run("validate", "-no-color")
    if code:
        raise Failed(output)
    document = json.loads(SCHEMA.read_text())
    types = len(document["resource"]) + len(document["data"])
    return f"{types} types valid against provider {document['provider']}"


def tested(terraform: Terraform) -> str:
    code, output = terraform.run("test", "-no-color")
    runs = re.search(r"(\d+) passed, 0 failed", output)
    if code or not runs or runs[1] == "0":
        raise Failed(output)
    return f"{runs[1]} runs of terraform test"


def planned(terraform: Terraform, deploy: Path) -> dict[str, Any]:
    """The plan as JSON, computed attributes by stand-ins; and each schema's descriptor."""
    arguments = ["-var-file=example.tfvars", "-var=database_password=a-stand-in", "-out=plan"]
    code, output = terraform.run("plan", "-no-color", "-input=false", *arguments)
    if code:
        raise Failed(output)
    _, output = terraform.run("show", "-json", "plan")
    plan: dict[str, Any] = json.loads(output)
    return plan | {"schemas": descriptors(deploy)}


def descriptors(deploy: Path) -> dict[str, str]:
    """Each Protocol Buffer schema, compiled, in base64."""
    found = {}
    for source in sorted((deploy / "gcp" / "schemas").glob("*.proto")):
        with tempfile.NamedTemporaryFile() as out:
            into = f"--descriptor_set_out={out.name}"
            if protoc.main(["protoc", f"-I{source.parent}", into, source.name]):
                raise Failed(f"{source.name} is no Protocol Buffer")
            found[source.stem] = base64.b64encode(Path(out.name).read_bytes()).decode()
    return found


def counted(plan: dict[str, Any]) -> str:
    values = [one["change"]["after"] for one in plan["resource_changes"]]
    return f"{len(values)} resources with {sum(map(arguments_in, values))} arguments planned"


def arguments_in(value: Any) -> int:
    """Values that are set, of nested blocks too."""
    if isinstance(value, dict):
        return sum(map(arguments_in, value.values()))
    if isinstance(value, list):
        return sum(map(arguments_in, value))
    return int(value is not None)


def scanned(plan: dict[str, Any], deploy: Path) -> str:
    """By checkov, on the plan, where nothing is a variable any more; it reads the reasons of what
    it is told to skip from the sources."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(plan))
        command = [str(BIN / "checkov"), "-f", str(file), "--framework", "terraform_plan"]
        command += ["--repo-root-for-plan-enrichment", str(deploy / "gcp"), "--skip-download"]
        done = subprocess.run([*command, "-o", "json"], capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise Failed(done.stdout + done.stderr) from error
    found = report["results"]["failed_checks"]
    if found or done.returncode:
        lines = [f"{one['check_id']} {one['resource']}: {one['check_name']}" for one in found]
        raise Failed("\n".join(lines) or done.stderr)
    summary = report["summary"]
    return f"{summary['passed']} checks of checkov passed and {summary['skipped']} explained"


def shell(deploy: Path) -> str:
    ours = [DEPLOY.parent / ".ci" / name for name in ("run", "system", "images")]
    scripts = sorted(map(str, [*deploy.rglob("*.sh"), *ours]))
    command = [str(BIN / "shellcheck"), *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(done.stdout + done.stderr)
    return f"{len(scripts)} scripts clean"


if __name__ == "__main__":
    main()
