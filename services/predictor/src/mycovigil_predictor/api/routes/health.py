"""``/readyz`` and ``/metrics``: for whoever runs the service."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from mycovigil_predictor import problems
from mycovigil_predictor.api.routes import openapi
from mycovigil_predictor.state import Service
from mycovigil_web.health import exposition

router = APIRouter(tags=["health"])


class Ready(BaseModel):
    """``status``: ready, or degraded where ``trouble`` says why; ``database``: reachable, or
    spooling while it is away; the spool takes ``spool_limit``."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "degraded",
                "model": "20261122-1",
                "certificate": "valid",
                "database": "reachable",
                "spool_rows": 0,
                "spool_limit": 100_000,
                "trouble": "20261123-1 is not served: its bundle is not the registered one.",
            }
        }
    )
    status: str = "ready"
    model: str
    certificate: str
    database: str
    spool_rows: int
    spool_limit: int
    trouble: str | None


@router.get("/readyz", responses=openapi.problems(503))
async def readyz(predictor: Service) -> Ready:
    """A model is loaded, and its predictions can be logged."""
    reloader, database = predictor.reloader, predictor.database
    serving = reloader.serving
    if serving is None:
        raise problems.no_model(reloader.trouble)
    away = database.away or not reloader.database_reached
    if (away or database.spooling) and predictor.spool.full:
        raise problems.no_room()
    stop = f"all answers are stopped: {reloader.stop}" if reloader.stop else None
    trouble = "; ".join(filter(None, (stop, reloader.trouble, database.trouble))) or None
    return Ready(
        status="degraded" if trouble else "ready",
        model=serving.model.version,
        certificate=serving.certificate_status,
        database="spooling" if away else "reachable",
        spool_rows=predictor.spool.depth,
        spool_limit=predictor.settings.predictor.spool_max_rows,
        trouble=trouble,
    )


@router.get("/metrics", response_class=Response, include_in_schema=False)
async def metrics(predictor: Service) -> Response:
    """Prometheus exposition format."""
    measured, serving = predictor.metrics, predictor.reloader.serving
    measured.inside.set(predictor.admission.inside + predictor.page_admission.inside)
    measured.held_bytes.set(predictor.admission.held + predictor.page_admission.held)
    measured.waiting.set(serving.pipeline.waiting if serving else 0)
    measured.spool_depth.set(predictor.spool.depth)
    measured.set_aside.set(predictor.spool.aside)
    measured.days_without_partition.set(len(predictor.database.days_without_partition))
    measured.spool_limit.set(predictor.settings.predictor.spool_max_rows)
    return exposition(measured.web)
