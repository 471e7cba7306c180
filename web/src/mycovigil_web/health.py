"""``/healthz`` and the response of ``/metrics``: for orchestrators and Prometheus, no key."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from mycovigil_web.metrics import WebMetrics

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    status: str = "alive"


@router.get("/healthz", summary="The process is alive")
async def healthz() -> Alive:
    """The process answers."""
    return Alive()


def exposition(metrics: WebMetrics) -> Response:
    """All metrics of the registry in Prometheus' format."""
    return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)
