"""Predictors as processes of their own, as they run in production."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from factories.environment import environment
from factories.outage import DEADLINE, until

from mycovigil.settings import Settings
from mycovigil_local.port import free_port

COMMAND = [sys.executable, "-m", "mycovigil_predictor"]


class Process:
    """A predictor process that can be killed and started again, on one port and one spool."""

    def __init__(self, settings: Settings, log: Path, **variables: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment(settings, port=self.port, **variables)
        self._log_path, self._log = log, log.open("ab")
        self._anybody = httpx.Client(base_url=self.url, trust_env=False, verify=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            COMMAND, env=self._environment, stdout=self._log, stderr=self._log
        )

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(DEADLINE)

    def close(self) -> None:
        self.kill(signal.SIGTERM)
        self._log.close()
        self._anybody.close()

    def wait_ready(self) -> None:
        until(self.is_ready)

    def is_ready(self) -> bool:
        try:
            return self._anybody.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def readiness(self) -> dict[str, Any]:
        """What ``/readyz`` says."""
        document: dict[str, Any] = self._anybody.get("/readyz").json()
        return document

    def client(self, key: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {key}", "content-type": "image/jpeg"}
        return httpx.Client(
            base_url=self.url, headers=headers, trust_env=False, verify=False, timeout=30
        )

    def lines(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self._log_path.read_text().splitlines()]

    @property
    def resident_megabytes(self) -> float:
        """Memory that the process holds now."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found.group(1)) / 1024 if found else 0.0
