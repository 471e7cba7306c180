"""A month as it may have been: thirty nights, two incidents, a refusal and a promotion."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from factories.accepted_days import make_accepted_days
from factories.evidence import REALISED, make_clusters, make_slices
from factories.gate_evidence import gate_evidence
from factories.incident import make_incident
from factories.model import make_model
from factories.night import Served, make_night
from factories.nightly_report import make_nightly_report
from factories.reference_set import make_reference_set
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind, Incident
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import incident as incidents
from mycovigil.models import promotion
from mycovigil.references.window import Window

NIGHTS = 30
CAMERA = {"brightness": -1.3, "sharpness": -0.9, "colour_temperature": 1.6, "jpeg_quality": -0.7}
CERTIFICATE = {
    "state": "valid",
    "risk": "deadly_missed",
    "target": 0.05,
    "bound": 0.048,
    "calibration_photos": 240,
    "smallest_certifiable": 1 / 241,
    "statement": "At most 4.8% of deadly photos get neither 'avoid' nor 'cannot tell'.",
}
METRICS = {"macro_recall": 0.81, "deadly_missed": 0.021, "abstained": 0.12}
HARM = {
    "safety": "affected",
    "deadly": {"reference": 0.13, "night": 0.24, "low": 0.2, "high": 0.28},
    "novel": {"reference": 0.01, "night": 0.12, "low": 0.09, "high": 0.15},
}


@dataclass(frozen=True)
class History:
    """What a test wants to walk to."""

    first: Model
    refused: Model
    second: Model
    reports: list[DriftReport]
    incidents: list[Incident]
    jobs: list[RetrainJob]
    references: list[ReferenceSet]


def make_history(
    session: Session,
    *,
    drifting: bool = False,
    gallery: Sequence[dict[str, Any]] = (),
    evidently_uri: str | None = None,
) -> History:
    """The month up to today; ``drifting`` leaves the last incident open."""
    midnight = datetime.datetime.now(tz=datetime.UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return _Month(session, midnight - datetime.timedelta(days=NIGHTS)).told(
        drifting, list(gallery), evidently_uri
    )


class _Month:
    def __init__(self, session: Session, start: datetime.datetime) -> None:
        self._session = session
        self._start = start
        self._rng = np.random.default_rng(5)
        self._reports: list[DriftReport] = []

    def told(
        self, drifting: bool, gallery: list[dict[str, Any]], evidently_uri: str | None
    ) -> History:
        first = self._model("mini-2026.10-a", ModelStatus.PRODUCTION, None, day=-3)
        old = make_reference_set(self._session, first, rows=128)
        self._baseline = make_accepted_days(self._session, first, old, self._start, days=13)
        pages: dict[str, Any] = {"gallery": gallery, "evidently_uri": evidently_uri}
        self._calm(first, old, range(4))
        self._unjudged(first, old, 4, ReportVerdict.INSUFFICIENT, rows=12)
        self._calm(first, old, range(5, 13))
        self._unjudged(first, old, 13, ReportVerdict.FAILED, rows=380)
        camera = self._drift(
            first, old, 14, "camera_or_light", effects=CAMERA, realised=REALISED, **pages
        )
        one = self._incident(camera, 14)
        self._drift(first, old, 15, "camera_or_light", effects=CAMERA)
        refused = self._model("mini-2026.10-b", ModelStatus.CANDIDATE, first, day=15)
        job = self._job(one, refused, 15)
        promotion.refuse(self._session, refused.id, decided_by="worker").created_at = self._at(15)
        self._calm(first, old, range(16, 18))
        self._resolve(one, "calm again", 17)
        self._calm(first, old, range(18, 22))
        novel = self._drift(
            first, old, 22, "novel_species", shares=(0.33, 0.18, 0.25, 0.24), harm=HARM, **pages
        )
        two = self._incident(novel, 22, harmful=True)
        second = self._model("mini-2026.11-a", ModelStatus.CANDIDATE, first, day=23)
        if drifting:
            for night in range(23, NIGHTS):
                self._drift(
                    first,
                    old,
                    night,
                    "novel_species",
                    shares=(0.3, 0.2, 0.25, 0.25),
                    harm=HARM,
                    gallery=gallery,
                )
            running = self._job(two, None, 29)
            new = old
        else:
            self._drift(first, old, 23, "novel_species", shares=(0.34, 0.2, 0.23, 0.23), harm=HARM)
            running = self._job(two, second, 23)
            promotion.promote(self._session, second.id, decided_by="worker").created_at = self._at(
                23
            )
            second.promoted_at = self._at(23)
            new = make_reference_set(self._session, second, rows=48, source="production")
            self._date_end(two, 23)
            self._calm(second, new, range(24, NIGHTS))
        self._weeks(first, old)
        for report, shift in zip(self._reports[21:23], (0.0, 0.6), strict=True):
            window = Window(report.window_start, report.window_end)
            make_night(
                self._session, Served(first, old), window, rows=120, shift=shift, dimension=8
            )
        self._session.flush()
        return History(
            first, refused, second, self._reports, [one, two], [job, running], [old, new]
        )

    def _at(self, night: int, hour: float = 1) -> datetime.datetime:
        return self._start + datetime.timedelta(days=night + 1, hours=hour)

    def _model(self, version: str, status: ModelStatus, parent: Model | None, *, day: int) -> Model:
        metrics: dict[str, Any] = dict(METRICS)
        values: dict[str, Any] = {}
        if parent is not None:
            values = {"parent_id": parent.id, "encoder_id": parent.encoder_id}
            enough = 300 if version.endswith("11-a") else 120
            metrics["gate"] = gate_evidence(
                str(parent.id), version=parent.version, specimens=enough
            )
        return make_model(
            self._session,
            version=version,
            status=status,
            metrics=metrics,
            calibration={"method": "temperature", "temperature": 1.31, "ece": 0.021},
            certificate=CERTIFICATE,
            created_at=self._at(day, 0.5),
            promoted_at=self._at(day) if status is ModelStatus.PRODUCTION else None,
            **values,
        )

    def _calm(self, model: Model, reference: ReferenceSet, nights: range) -> None:
        for night in nights:
            p_value = float(self._rng.uniform(0.02, 0.98))
            effects = {name: float(self._rng.normal(0, 0.12)) for name in CAMERA}
            evidence = {"slices": make_slices(self._rng)}
            self._report(
                model, reference, night, p_value=p_value, effects=effects, evidence=evidence
            )

    def _unjudged(
        self, model: Model, reference: ReferenceSet, night: int, verdict: ReportVerdict, rows: int
    ) -> None:
        failed = verdict is ReportVerdict.FAILED
        problem = "17 rows have features that are not numbers" if failed else None
        self._report(
            model, reference, night, verdict=verdict, p_value=None, rows=rows, problem=problem
        )

    def _drift(
        self,
        model: Model,
        reference: ReferenceSet,
        night: int,
        cause: str,
        *,
        effects: dict[str, float] | None = None,
        shares: tuple[float, ...] = (0.41, 0.21, 0.25, 0.13),
        harm: dict[str, Any] | None = None,
        **values: Any,
    ) -> DriftReport:
        evidence = {
            "cause": {"domain_score": 0.83, "covariate_share": 0.61, "new_cluster_share": 0.09},
            "harm": harm or {"safety": "unknown", "deadly": None, "novel": None},
            "slices": make_slices(self._rng, drifted=("app-android", "4.2", "19")),
            "clusters": make_clusters(neighbours=(0, 1, 2)),
        }
        return self._report(
            model,
            reference,
            night,
            verdict=ReportVerdict.DRIFT,
            p_value=float(10 ** self._rng.uniform(-4.2, -3.2)),
            cause=cause,
            effects=effects or {},
            shares=shares,
            evidence=evidence,
            **values,
        )

    def _weeks(self, model: Model, reference: ReferenceSet) -> None:
        for night, verdict, p_value in ((6, "calm", 0.3), (13, "calm", 0.08), (20, "drift", 2e-3)):
            self._report(
                model,
                reference,
                night,
                periods=7,
                verdict=ReportVerdict(verdict),
                p_value=p_value,
                rows=2_800,
                level=0.005,
                cause="camera_or_light" if verdict == "drift" else None,
            )

    def _report(
        self, model: Model, reference: ReferenceSet, night: int, **values: Any
    ) -> DriftReport:
        values = {"rows": int(self._rng.integers(240, 620)), "cause": None} | values
        if values["p_value"] is not None:
            values = self._beside_days(night, **values)
        made = make_nightly_report(
            self._session, model, reference, night=night, first=self._start, **values
        )
        self._reports.append(made)
        return made

    def _beside_days(self, night: int, **values: Any) -> dict[str, Any]:
        """With what a report says of the days; the first three nights are learned."""
        periods, p_value = values.get("periods", 1), values["p_value"]
        learning = periods == 1 and night < 3
        drift = values.get("verdict") is ReportVerdict.DRIFT
        values["evidence"] = values.get("evidence", {}) | {
            "days": {
                "learning": f"learning, day {night + 1} of 3" if learning else None,
                "informs": periods > 1,
                "notes": [],
            },
            "skew": {
                "auc": 0.61,
                "auc_limit": 0.75,
                "novel": 0.03,
                "novel_reference": 0.01,
                "novel_limit": 0.1,
                "p_value": 0.0001,
                "large": False,
            },
        }
        values["baseline_id"], values["days"] = self._baseline.id, min(night, 13)
        if learning:
            return values | {"verdict": ReportVerdict.LEARNING, "p_value": None}
        ratio = 4.2 if drift else 0.7 + 0.6 * (1 - p_value)
        values |= {"p_days": p_value, "p_rows": 0.0001 if drift else None}
        return values | {"ratio": ratio, "rank": 1 if drift else 6, "detectable": 2.4}

    def _incident(self, report: DriftReport, night: int, *, harmful: bool = False) -> Incident:
        found = make_incident(self._session, report, harmful=harmful)
        found.opened_at = self._at(night, 0.3)
        for alert in self._session.scalars(select(Alert).where(Alert.incident_id == found.id)):
            alert.created_at = self._at(night, 0.3)
        return found

    def _resolve(self, found: Incident, resolution: str, night: int) -> None:
        incidents.resolve(self._session, found, resolution=resolution)
        self._date_end(found, night)

    def _date_end(self, found: Incident, night: int) -> None:
        ended = (Alert.incident_id == found.id) & (Alert.kind == AlertKind.RESOLVED)
        alert = self._session.scalars(select(Alert).where(ended)).one()
        found.resolved_at = alert.created_at = self._at(night, 1.2)

    def _job(self, found: Incident, made: Model | None, night: int) -> RetrainJob:
        job = RetrainJob(
            id=uuid.uuid4(),
            incident_id=found.id,
            requested_by="retrain-trigger",
            state=JobState.SUCCEEDED if made else JobState.RUNNING,
            parameters={"cause": found.cause, "report_id": str(found.report_id)},
            labels_needed=50,
            dangerous_needed=10,
            attempts=1,
            lease_token=1,
            model_id=made.id if made else None,
            created_at=self._at(night, 0.4),
            started_at=self._at(night, 0.5),
            finished_at=self._at(night, 0.9) if made else None,
        )
        self._session.add(job)
        self._session.flush()
        return job
