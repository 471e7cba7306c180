"""What the demo reads back: through the drift API, as any operator could, and pending work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import httpx

from mycovigil.references.window import Window
from mycovigil_local.stack import Stack
from mycovigil_simulator.demo import pending_work
from mycovigil_simulator.demo.clock import eventually

Document = dict[str, Any]
PRODUCTION = "production"
WAITING = "waiting_for_labels"


@dataclass(frozen=True)
class Observer:
    """Reads reports, alerts, jobs and the live model over HTTP."""

    stack: Stack
    http: httpx.Client

    def wait_until_idle(self, answered: int) -> None:
        """Return once everything that followed from ``answered`` predictions has happened: rows
        logged and judged, labels evaluated, alerts received, retrain jobs ended, and the
        production model served.

        Raises:
            TimeoutError: something did not happen; the message names it.
        """
        pending_work.wait_for_none(lambda: self._unfinished(answered))

    def report(self, window: Window) -> Document:
        """The report of a night, as soon as it is there.

        Raises:
            TimeoutError: it never came.
        """
        return eventually(
            lambda: self._report_of(window),
            f"report of {window.start}",
            timeout=pending_work.TIMEOUT,
        )

    def job(self, incident: str) -> Document | None:
        """The retrain job of an incident."""
        for job in self._items("/v1/retrain-jobs"):
            if job["incident_id"] == incident:
                return job
        return None

    def waits_for_labels(self, incident: str) -> bool:
        """Whether the incident's retrain has too few labels, and none of its candidates was
        refused yet."""
        job = self.job(incident)
        return job is not None and job["state"] == WAITING and not job["refusals"]

    def asked(self, *, ordinary: bool = False) -> list[str]:
        """Ids of the predictions that the label queue asks about, in its order; ``ordinary``: only
        those of no incident, which were all drawn at random."""
        url = f"{self.stack.drift_url}/v1/label-queue"
        response = self.http.get(url, params={"limit": 200})
        response.raise_for_status()
        return [
            str(item["prediction_id"])
            for item in response.json()["items"]
            if not ordinary or item["incident_id"] is None
        ]

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

    def certificate_of(self, model_id: str) -> Document:
        """Status (``state``) and ``bound`` of a model's certificate as the drift API shows them."""
        model = self._read(f"/v1/models/{model_id}")
        return {"state": model["certificate_state"], "bound": model["certificate"].get("bound")}

    def deadly_labels(self, report_id: str) -> Document:
        """``count`` of deadly specimens of a night with a label that counts, ``missed`` of them."""
        realised = self._read(f"/v1/reports/{report_id}")["realised"] or {}
        return cast("Document", realised.get("deadly_specimens", {"count": 0, "missed": 0}))

    def was_promoted(self, model_id: str) -> bool:
        """Whether a model has ever been in production."""
        promoted = [
            row["promoted_at"] for row in self._items("/v1/models") if row["id"] == model_id
        ]
        return any(promoted)

    def _report_of(self, window: Window) -> Document | None:
        for report in self._items("/v1/reports"):
            if (
                datetime.fromisoformat(report["window_start"]) == window.start
                and datetime.fromisoformat(report["window_end"]) == window.end
            ):
                return report
        return None

    def _unfinished(self, answered: int) -> dict[str, int]:
        found = pending_work.unfinished(self.stack.environment["MYCOVIGIL_DATABASE_URL"], answered)
        return found if self._serves_production() else found | {"models to reload": 1}

    def _serves_production(self) -> bool:
        """Whether the predictor answers with the registry's production model."""
        live = self.live_model()
        production = [row["id"] for row in self._items("/v1/models") if row["status"] == PRODUCTION]
        return live is not None and [live["id"]] == production

    def _read(self, path: str) -> Document:
        response = self.http.get(f"{self.stack.drift_url}{path}")
        response.raise_for_status()
        return cast("Document", response.json())

    def _items(self, path: str) -> list[Document]:
        response = self.http.get(f"{self.stack.drift_url}{path}", params={"limit": 50})
        response.raise_for_status()
        return cast("list[Document]", response.json()["items"])
