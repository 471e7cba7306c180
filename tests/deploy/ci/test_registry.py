"""A promotion reaches GitHub; the predictor's roll-out stops where the model does not answer."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CI = Path(__file__).resolve().parents[3] / ".ci"
MODEL, OTHER = "0190-new", "0190-old"


class Server(ThreadingHTTPServer):
    """Answers paths from a table; remembers what was posted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Any] = {}
        self.posted: list[tuple[str, Any, str]] = []
        self.tokens: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.tokens[self.path] = self.headers["X-Serverless-Authorization"]
        known = self.path in self.server.answers
        self.send_response(200 if known else 503)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.answers.get(self.path)).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((self.path, body, self.headers["Authorization"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one
        one.shutdown()


def decision(kind: str, **evidence: Any) -> dict[str, Any]:
    return {
        "model_id": MODEL,
        "decision": kind,
        "decided_by": "maria",
        "created_at": "2026-11-30T10:00:00Z",
        "evidence": evidence,
    }


@pytest.fixture
def ready(server: Server) -> Server:
    """The registry promoted the model, and the new revision answers with it."""
    passed = decision("passed", passed=True, reason="Fewer deadly specimens pass.", p_value=0.001)
    server.answers = {
        f"/v1/models/{MODEL}/promotions": [passed],
        "/v1/model": {"id": MODEL, "trouble": None},
        "/readyz": {"ready": True},
    }
    return server


def deployed(folder: Path, server: Server, failing: str = "nothing") -> tuple[int, str, list[str]]:
    """Exit code, what was said, and the changes that gcloud was asked for."""
    traffic = [
        {"revisionName": "predictor-7", "percent": 100},
        {"revisionName": "predictor-8", "tag": "candidate", "url": server.url},
    ]
    (folder / "service.json").write_text(json.dumps({"status": {"traffic": traffic}}))
    fake = folder / "gcloud"
    fake.write_text(
        f'#!/bin/sh\necho "$*" >> {folder}/calls\n'
        f'case "$*" in *"{failing}"*) echo broken >&2; exit 1;; '
        f"*describe*) cat {folder}/service.json;; esac\n"
    )
    fake.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(CI / "deploy_staged.py")],
        env=os.environ
        | {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "MODEL_ID": MODEL,
            "PROJECT": "fungi",
            "REGION": "europe-west1",
            "DRIFT_URL": server.url,
            "MYCOVIGIL_KEY": "myco_key",
            "PREDICTOR_TOKEN": "for the predictor",
            "DRIFT_TOKEN": "for the drift API",
            "STAGE_SECONDS": "0",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    calls = (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []
    suffix = " --project=fungi --region=europe-west1 --quiet"
    assert all(call.startswith("run services ") and call.endswith(suffix) for call in calls)
    asked = [call.removeprefix("run services ").removesuffix(suffix) for call in calls]
    changes = [call for call in asked if not call.startswith("describe")]
    return done.returncode, done.stdout + done.stderr, changes


def test_the_new_revision_gets_requests_by_steps(tmp_path: Path, ready: Server) -> None:
    code, _, changes = deployed(tmp_path, ready)
    assert code == 0
    assert changes == [
        f"update mycovigil-predictor --no-traffic --tag=candidate --update-labels=model={MODEL}",
        *(
            f"update-traffic mycovigil-predictor --to-tags=candidate={share}"
            for share in (10, 50, 100)
        ),
        "update-traffic mycovigil-predictor --to-latest",
    ]
    summary = (tmp_path / "summary.md").read_text()
    assert "| p_value | 0.001 |" in summary
    assert "Fewer deadly specimens pass." in summary
    assert ready.tokens[f"/v1/models/{MODEL}/promotions"] == "Bearer for the drift API"
    assert ready.tokens["/v1/model"] == "Bearer for the predictor"


@pytest.mark.parametrize(
    "decided",
    [[], [decision("refused", passed=False)], [decision("passed", passed=False)]],
    ids=["undecided", "refused", "without evidence"],
)
def test_nothing_is_deployed_without_the_gate(
    tmp_path: Path, ready: Server, decided: list[Any]
) -> None:
    ready.answers[f"/v1/models/{MODEL}/promotions"] = decided
    code, _, changes = deployed(tmp_path, ready)
    assert (code, changes) == (1, [])


@pytest.mark.parametrize("trouble", ["another model", "silence"])
def test_a_revision_that_does_not_answer_by_the_model_gets_nothing(
    tmp_path: Path, ready: Server, trouble: str
) -> None:
    if trouble == "silence":
        del ready.answers["/readyz"]
    else:
        ready.answers["/v1/model"] = {"id": OTHER, "trouble": "its file is damaged"}
    code, said, changes = deployed(tmp_path, ready)
    assert code == 1
    assert changes[1:] == ["update-traffic mycovigil-predictor --to-revisions=predictor-7=100"]
    assert "all requests go to predictor-7 again" in said


def test_a_step_that_fails_brings_the_earlier_revision_back(tmp_path: Path, ready: Server) -> None:
    code, _, changes = deployed(tmp_path, ready, failing="candidate=50")
    assert code == 1
    assert changes[-1] == "update-traffic mycovigil-predictor --to-revisions=predictor-7=100"


def dispatched(server: Server, **variables: str) -> subprocess.CompletedProcess[str]:
    event = {"MODEL_ID": MODEL, "VERSION": "v7", "DECISION": "passed", "ENVIRONMENT": "staging"}
    github = {"GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "secret", "GITHUB_API_URL": server.url}
    return subprocess.run(
        [sys.executable, str(CI / "dispatch.py")],
        env=os.environ | event | github | variables,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_github_hears_of_a_promotion(server: Server) -> None:
    assert dispatched(server).returncode == 0
    ((path, body, authorization),) = server.posted
    assert (path, authorization) == ("/repos/o/r/dispatches", "Bearer secret")
    assert body["event_type"] == "model-promoted"
    assert body["client_payload"] == {
        "model_id": MODEL,
        "version": "v7",
        "decision": "passed",
        "environment": "staging",
    }


def test_github_hears_of_no_refusal(server: Server) -> None:
    assert dispatched(server, DECISION="refused").returncode == 0
    assert not server.posted


def test_github_that_is_away_is_one_sentence(server: Server) -> None:
    done = dispatched(server, GITHUB_API_URL="http://127.0.0.1:9")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "secret" not in done.stderr
