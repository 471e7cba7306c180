"""Roll a promoted model's predictor out by steps: ``make deploy-staged``.

Reads the gate's evidence from the drift API and stops where the model was not promoted by it. A new
revision of the predictor gets no request before it answers with that very model; then shares of the
traffic, and after each it must go on answering. Otherwise all traffic goes back to the revision
before. The evidence is in the job's summary.

Every instance takes up a promoted model by itself; what is rolled out is the revision that started
with it. A stop brings the earlier revision back, not the earlier model: a person decides that.

Variables: ``MODEL_ID``, ``PROJECT``, ``REGION``, ``DRIFT_URL``, ``MYCOVIGIL_KEY`` (a key with the
scope ``read``), ``PREDICTOR_TOKEN`` and ``DRIFT_TOKEN`` where Google asks for its own,
``STAGE_SECONDS`` between two steps.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SERVICE = "mycovigil-predictor"
TAG = "candidate"
SHARES = (10, 50, 100)
CHECKS = 5
FORWARD = {"initial", "passed", "rollback"}


class Stopped(Exception):
    """The roll-out stops; the message says why."""


def main() -> None:
    """The roll-out; exit code 1 where it stopped."""
    try:
        model_id = required("MODEL_ID")
        report(evidence(model_id))
        before = revision()
        try:
            candidate = prepared(model_id)
            for share in SHARES:
                answers(candidate, model_id)
                gcloud("update-traffic", SERVICE, f"--to-tags={TAG}={share}")
                print(f"{share}% of the requests go to the new revision")
                pause(candidate, model_id)
        except Stopped:
            gcloud("update-traffic", SERVICE, f"--to-revisions={before}=100")
            print(f"all requests go to {before} again; the model: POST /v1/models/rollback")
            raise
        gcloud("update-traffic", SERVICE, "--to-latest")
    except Stopped as reason:
        sys.exit(f"deploy-staged: {reason}")


def required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise Stopped(f"the variable {name} is missing")


def evidence(model_id: str) -> dict[str, Any]:
    """The newest decision about the model.

    Raises:
        Stopped: there is none, it is a refusal, or its evidence did not pass.
    """
    decisions = asked(
        f"{required('DRIFT_URL').rstrip('/')}/v1/models/{model_id}/promotions", "DRIFT_TOKEN"
    )
    if not decisions:
        raise Stopped(f"the gate never decided about model {model_id}")
    newest: dict[str, Any] = max(decisions, key=lambda one: one["created_at"])
    if newest["decision"] not in FORWARD:
        raise Stopped(f"model {model_id} is not promoted: the last decision is a refusal")
    if newest["decision"] == "passed" and newest["evidence"].get("passed") is not True:
        raise Stopped(f"model {model_id} has no evidence that passed the gate")
    return newest


def report(decision: dict[str, Any]) -> None:
    """The decision and its evidence, into the job's summary."""
    rows = {"decision": decision["decision"], "decided by": decision["decided_by"]}
    rows |= decision["evidence"]
    lines = [f"### Model {decision['model_id']}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {shown(value)} |" for name, value in rows.items()]
    text = "\n".join(lines) + "\n"
    print(text)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as stream:
            stream.write(text)


def shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("|", "\\|").replace("\n", " ")


def revision() -> str:
    """The revision that has most of the traffic now."""
    traffic = json.loads(gcloud("describe", SERVICE, "--format=json"))["status"]["traffic"]
    serving: dict[str, Any] = max(traffic, key=lambda one: one.get("percent", 0))
    return str(serving["revisionName"])


def prepared(model_id: str) -> str:
    """A new revision without traffic; its address. It started, so it could load the model."""
    label = f"--update-labels=model={model_id}"
    gcloud("update", SERVICE, "--no-traffic", f"--tag={TAG}", label)
    traffic = json.loads(gcloud("describe", SERVICE, "--format=json"))["status"]["traffic"]
    for one in traffic:
        if one.get("tag") == TAG:
            return str(one["url"])
    raise Stopped(f"no revision is tagged {TAG}")


def answers(candidate: str, model_id: str) -> None:
    """Raises Stopped unless the new revision answers, by this model."""
    facts = asked(f"{candidate}/v1/model", "PREDICTOR_TOKEN")
    if facts["id"] != model_id:
        raise Stopped(f"the new revision serves {facts['id']}: {facts['trouble']}")
    asked(f"{candidate}/readyz", "PREDICTOR_TOKEN")


def pause(candidate: str, model_id: str) -> None:
    """Watch the new revision for ``STAGE_SECONDS``."""
    for _ in range(CHECKS):
        time.sleep(float(os.environ.get("STAGE_SECONDS", "300")) / CHECKS)
        answers(candidate, model_id)


def asked(url: str, token: str) -> Any:
    """A service's answer; ``token`` names the variable of Google's own."""
    headers = {"Authorization": f"Bearer {required('MYCOVIGIL_KEY')}"}
    if google := os.environ.get(token):
        headers["X-Serverless-Authorization"] = f"Bearer {google}"
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own services
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return json.load(response)
    except (urllib.error.URLError, ValueError) as error:
        raise Stopped(f"{url}: {error}") from error


def gcloud(verb: str, *arguments: str) -> str:
    where = [f"--project={required('PROJECT')}", f"--region={required('REGION')}", "--quiet"]
    command = ["gcloud", "run", "services", verb, *arguments, *where]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        raise Stopped(f"gcloud {verb}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    main()
