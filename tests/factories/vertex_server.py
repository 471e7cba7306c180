"""Vertex AI's customJobs at the HTTP edge: create, list with a label filter, get, cancel."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PARENT = "/v1/projects/a-project/locations/europe-west1/customJobs"
Job = dict[str, Any]


def nothing(_: "VertexServer") -> None:
    """What happens before a request is answered, in most tests."""


@dataclass
class VertexServer:
    """``jobs``: by name, in order of their creation; ``requests``: method and path of each, in
    order; ``refuse``: answers that are given to the next requests instead; ``before`` is called
    before each request is answered; ``page``: jobs of one page of a list."""

    address: str = ""
    jobs: dict[str, Job] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refuse: list[tuple[int, Any]] = field(default_factory=list)
    before: Callable[["VertexServer"], None] = nothing
    lose_answer: bool = False
    page: int = 100
    lock: threading.RLock = field(default_factory=threading.RLock)

    def only(self) -> Job:
        (job,) = self.jobs.values()
        return job

    def end(self, job: Job, state: str, error: str = "") -> None:
        job["state"] = f"JOB_STATE_{state}"
        if error:
            job["error"] = {"code": 3, "message": error}

    def create(self, body: Job) -> Job:
        number = len(self.jobs) + 1
        name = f"{PARENT.removeprefix('/v1/')}/{number}"
        created = f"2126-01-01T00:00:00.{number:06}Z"
        self.jobs[name] = body | {
            "name": name,
            "state": "JOB_STATE_PENDING",
            "createTime": created,
        }
        return self.jobs[name]

    def listed(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        """A page of the jobs with the one label that the filter names."""
        label, value = asked["filter"][0].removeprefix("labels.").split("=")
        found = [job for job in self.jobs.values() if job["labels"].get(label) == value]
        start = int(asked.get("pageToken", ["0"])[0])
        end = start + self.page
        following = {"nextPageToken": str(end)} if end < len(found) else {}
        return {"customJobs": found[start:end]} | following if found else {}

    def answer(self, method: str, path: str, body: Job) -> tuple[int, Any]:
        url = urlsplit(path)
        name, _, verb = url.path.removeprefix("/v1/").partition(":")
        if url.path == PARENT:
            return 200, self.create(body) if method == "POST" else self.listed(parse_qs(url.query))
        if name not in self.jobs:
            return 404, {"error": {"code": 404, "message": f"{name} not found"}}
        if (method, verb) == ("POST", "cancel"):
            self.jobs[name]["state"] = "JOB_STATE_CANCELLED"
            return 200, {}
        return 200, self.jobs[name]


@contextmanager
def vertex_server() -> Iterator[VertexServer]:
    """The server on a free port, at ``address``."""
    state = VertexServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond("GET")

        def do_POST(self) -> None:
            self._respond("POST")

        def _respond(self, method: str) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            with state.lock:
                state.before(state)
                state.requests.append(f"{method} {urlsplit(self.path).path.rpartition('/')[2]}")
                code, content = (
                    state.refuse.pop(0) if state.refuse else state.answer(method, self.path, body)
                )
                if state.lose_answer and method == "POST":
                    state.lose_answer, self.close_connection = False, True
                    return
            sent = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Tests look at ``requests``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
