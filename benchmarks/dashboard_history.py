"""A model's past as the dashboard shows it: a report a night, and a month of traffic."""

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
from factories.evidence import make_clusters, make_slices
from factories.incident import make_incident
from factories.night import Served, make_served
from factories.nightly_report import make_nightly_report
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.incidents import incident as incidents
from mycovigil.postgres import partitions

TRAFFIC_DAYS = 30
VECTORS = 500
NIGHT = timedelta(days=1)
LOAD = """
INSERT INTO predictions (id, created_at, logged_at, request_id, client, model_id, encoder_id,
    features, probabilities, label, prediction_set, verdict, certificate, reasons, distance,
    image_sha256, latency_ms, brightness, contrast, sharpness, colour_temperature, saturation,
    width, height, jpeg_quality)
SELECT gen_random_uuid(), at, at, 'r', 'client ' || n % 7, :model, :encoder,
    v.features, v.probabilities, v.label, '{edible}', 'cannot_tell', 'valid', '[]', 0.2,
    repeat('0', 64), 5, 0.45 + 0.08 * random(), 0.2, -2.2, 5200 + 400 * random(), 0.3,
    1600, 1200, 90
FROM generate_series(0, :rows - 1) AS n
JOIN vectors AS v ON v.number = n % :vectors
CROSS JOIN LATERAL (SELECT cast(:start AS timestamptz)
    + n * cast(:step AS double precision) * interval '1 second') AS t(at)
"""


def loaded(session: Session, reports: int, predictions: int, dimension: int) -> list[DriftReport]:
    """A model with its reference, its nights up to today, and the traffic of the last month."""
    midnight = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    served = make_served(session, rows=2_000, dimension=dimension, since=midnight - reports * NIGHT)
    session.execute(text('UPDATE models SET certificate = \'{"state": "valid"}\''))
    rng = np.random.default_rng(1)
    _second_reference(session, served)
    made = [_report(session, served, rng, midnight, reports, night) for night in range(reports)]
    _traffic(session, served, midnight, predictions, dimension)
    return made


def _second_reference(session: Session, served: Served) -> None:
    """A copy of the model's set, that the two can be compared."""
    first = served.reference
    second = ReferenceSet(
        id=new_id(),
        name="an earlier reference",
        source=first.source,
        model_id=first.model_id,
        encoder_id=first.encoder_id,
        content_hash=uuid.uuid4().hex,
        rows=first.rows,
        created_at=first.created_at - NIGHT,
    )
    session.add(second)
    session.flush()
    columns = ReferenceSample.__table__.columns.keys()
    others = [name for name in columns if name != "reference_set_id"]
    rows = session.execute(
        select(*(getattr(ReferenceSample, name) for name in others)).where(
            ReferenceSample.reference_set_id == first.id
        )
    )
    copies = [{"id": new_id(), "reference_set_id": second.id, **row._mapping} for row in rows.all()]
    session.execute(insert(ReferenceSample), copies)


def _report(
    session: Session,
    served: Served,
    rng: np.random.Generator,
    midnight: datetime,
    reports: int,
    night: int,
) -> DriftReport:
    """Every fortieth drifts, with an incident that is over the next night; the last stays."""
    drift = night % 40 == 39
    photo = {"prediction_id": "p", "score": 0.9, "label": "deadly", "neighbours": []}
    photo |= {"image_key": f"photos/aa/{'a' * 64}.jpg"}
    evidence = {"slices": make_slices(rng, ("page",) if drift else ())}
    if drift:
        evidence["clusters"] = make_clusters(neighbours=(1, 2, 3))
    report = make_nightly_report(
        session,
        served.model,
        served.reference,
        night=night,
        first=midnight - reports * NIGHT,
        verdict=ReportVerdict.DRIFT if drift else ReportVerdict.CALM,
        p_value=0.0002 if drift else float(rng.uniform(0.02, 1)),
        cause="camera_or_light" if drift else None,
        evidence=evidence,
        gallery=[photo] * 20 if drift else [],
    )
    if drift:
        found = make_incident(session, report)
        if night < reports - 40:
            incidents.resolve(session, found, resolution="calm again")
    return report


def _traffic(
    session: Session, served: Served, midnight: datetime, rows: int, dimension: int
) -> None:
    """All made inside Postgres, from a few hundred vectors."""
    days = [midnight.date() - n * NIGHT for n in range(TRAFFIC_DAYS + 1)]
    partitions.ensure(session, days)
    rng = np.random.default_rng(2)
    session.execute(
        text(
            "CREATE TEMP TABLE vectors (number int PRIMARY KEY, features halfvec, "
            "probabilities real[], label text)"
        )
    )
    session.execute(
        text("INSERT INTO vectors VALUES (:number, cast(:features AS halfvec), :p, 'edible')"),
        [
            {
                "number": number,
                "features": str(rng.standard_normal(dimension).round(3).tolist()),
                "p": rng.dirichlet(np.full(4, 0.3)).tolist(),
            }
            for number in range(VECTORS)
        ],
    )
    seconds = TRAFFIC_DAYS * NIGHT.total_seconds()
    session.execute(
        text(LOAD),
        {
            "model": served.model.id,
            "encoder": served.model.encoder_id,
            "rows": rows,
            "vectors": VECTORS,
            "start": midnight - TRAFFIC_DAYS * NIGHT,
            "step": seconds / rows,
        },
    )
