"""Around every request: its id, security headers, metrics, one log line, and no naked 500."""

import re
import time
from dataclasses import dataclass

import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mycovigil.db.base import new_id
from mycovigil_predictor.api import problems
from mycovigil_predictor.metrics import Metrics

ACCEPTED_ID = re.compile(r"[\x21-\x7e]{1,128}")
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""As ASGI sends them, encoded once; a page with a header of its own keeps it."""
logger = structlog.get_logger(__name__)
propagator = TraceContextTextMapPropagator()


@dataclass(slots=True)
class _Seen:
    status: int = 0


class Observe:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        scope["request_id"] = given if ACCEPTED_ID.fullmatch(given) else str(new_id())
        structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
        seen = _Seen()
        scope["trace_id"] = _trace_id(headers)
        structlog.contextvars.bind_contextvars(trace_id=scope["trace_id"])
        await self._answer(scope, receive, _watched(send, scope, seen), seen)
        self._record(scope, seen.status, time.perf_counter() - start)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, seen: _Seen) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            logger.exception("unexpected error", path=scope["path"])
            if seen.status:
                raise
            response = problems.response(problems.unexpected(), Request(scope))
            await response(scope, receive, send)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        if route not in QUIET:
            logger.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1_000, 1),
                prediction_id=scope.get("prediction_id"),
            )


def _watched(send: Send, scope: Scope, seen: _Seen) -> Send:
    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen.status = message["status"]
            _tell_span(scope)
            given = message.setdefault("headers", [])
            told = {name for name, _ in given}
            given.append((b"x-request-id", scope["request_id"].encode()))
            given.extend(pair for pair in SECURITY_HEADERS if pair[0] not in told)
        await send(message)

    return watched


def _tell_span(scope: Scope) -> None:
    """FastAPI's span ends with the last byte, so it is told before the first."""
    span = trace.get_current_span()
    span.set_attribute("mycovigil.request_id", scope["request_id"])
    span.set_attribute("mycovigil.prediction_id", scope.get("prediction_id") or "")


def _trace_id(headers: Headers) -> str | None:
    """Of FastAPI's span around this request, or the client's own where spans are off."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        carried = propagator.extract(headers)
        context = trace.get_current_span(carried).get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
