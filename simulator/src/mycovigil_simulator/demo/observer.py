"""What the demo reads back through the drift API, as any operator could."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import httpx

from mycovigil.references.window import Window
from mycovigil_local.stack import Stack
from mycovigil_simulator.demo.clock import eventually

Document = dict[str, Any]
REPORT_TIMEOUT = 90.0
JOB_TIMEOUT = 180.0


@dataclass(frozen=True)
class Observer:
    """Reads reports, alerts, jobs and the live model over HTTP."""

    stack: Stack
    http: httpx.Client

    def report(self, window: Window) -> Document:
        """The report of a night, waited for."""
        return eventually(
            lambda: self._report_of(window), f"report of {window.start}", timeout=REPORT_TIMEOUT
        )

    def job(self, incident: str) -> Document:
        """The finished retrain job of an incident."""
        return eventually(
            lambda: self._finished_job(incident), "finished retrain job", timeout=JOB_TIMEOUT
        )

    def incident_of(self, report: Document) -> str | None:
        """The incident that this report opened or made worse."""
        for alert in self._items("/v1/alerts"):
            if alert["report_id"] == report["id"] and alert["kind"] in {"opened", "escalated"}:
                return str(alert["incident_id"])
        return None

    def live_model(self) -> Document | None:
        """The model that the predictor answers with now; none while it has none."""
        response = self.http.get(f"{self.stack.predictor_url}/v1/model")
        return cast("Document", response.json()) if response.is_success else None

    def model(self, identifier: str) -> Document:
        found = [row for row in self._items("/v1/models") if row["id"] == identifier]
        return found[0]

    def _report_of(self, window: Window) -> Document | None:
        for report in self._items("/v1/reports"):
            if (
                datetime.fromisoformat(report["window_start"]) == window.start
                and datetime.fromisoformat(report["window_end"]) == window.end
            ):
                return report
        return None

    def _finished_job(self, incident: str) -> Document | None:
        for job in self._items("/v1/retrain-jobs"):
            if job["incident_id"] == incident and job["state"] in {"succeeded", "failed"}:
                return job
        return None

    def _items(self, path: str) -> list[Document]:
        response = self.http.get(f"{self.stack.drift_url}{path}", params={"limit": 50})
        response.raise_for_status()
        return cast("list[Document]", response.json()["items"])
