"""Around every request: id, security headers, metrics, one log line, and an answer to errors."""

import re
import time
from collections.abc import Mapping

import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mycovigil.db.base import new_id
from mycovigil_web.metrics import WebMetrics
from mycovigil_web.problems import CLIENT_CLOSED_REQUEST, ProblemResponder, internal_error

ACCEPTED_ID = re.compile(r"[\x21-\x7e]{1,128}")
# Asked every few seconds by machines: neither logged nor traced.
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
}
logger = structlog.get_logger(__name__)
propagator = TraceContextTextMapPropagator()


class RequestMiddleware:
    """Plain ASGI, outermost but for CORS, so to be added late; streams pass through.

    It puts into the scope: ``request_id``, ``trace_id`` (or none), and ``log_fields``, which a
    route may fill and which go into the log line and the span.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: WebMetrics,
        respond: ProblemResponder,
        headers: Mapping[str, str],
        log_fields: tuple[str, ...] = (),
    ) -> None:
        """
        Args:
            headers: replace or add to :data:`SECURITY_HEADERS`; a response's own header wins.
            log_fields: names that every log line has, empty unless a route fills them.
        """
        self._app = app
        self._metrics = metrics
        self._respond = respond
        self._log_fields = log_fields
        self._headers = [
            (name.lower().encode(), value.encode())
            for name, value in (SECURITY_HEADERS | dict(headers)).items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        scope["request_id"] = given if ACCEPTED_ID.fullmatch(given) else new_id().hex
        scope["trace_id"] = _trace_id(headers)
        scope["log_fields"] = dict.fromkeys(self._log_fields)
        answer = _Answer(scope, send, self._headers)
        with structlog.contextvars.bound_contextvars(
            request_id=scope["request_id"], trace_id=scope["trace_id"]
        ):
            try:
                await self._run(scope, receive, answer)
            finally:
                self._record(scope, answer.status, time.perf_counter() - started)

    async def _run(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            logger.exception("unexpected error", path=scope["path"])
            if answer.started:
                raise
            await self._apologise(scope, receive, answer)

    async def _apologise(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        request = Request(scope)
        try:
            response = self._respond(request, internal_error())
        except Exception:  # the page itself may be what is broken
            logger.exception("the error page cannot be rendered")
            response = self._respond.json(request, internal_error())
        await response(scope, receive, answer.send)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.record(scope["method"], route, status, seconds)
        if scope["path"] not in QUIET:
            logger.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1_000, 1),
                **scope["log_fields"],
            )


class _Answer:
    """Sends a response with our headers, and remembers its status."""

    def __init__(self, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = CLIENT_CLOSED_REQUEST
        self.started = False
        self._scope = scope
        self._send = send
        self._headers = headers

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            _annotate_span(self._scope)
            own = message.setdefault("headers", [])
            names = {name for name, _ in own}
            own.append((b"x-request-id", self._scope["request_id"].encode()))
            own.extend(header for header in self._headers if header[0] not in names)
        await self._send(message)


def _annotate_span(scope: Scope) -> None:
    """FastAPI's span ends with the last byte, so it is annotated before the first."""
    span = trace.get_current_span()
    span.set_attribute("mycovigil.request_id", scope["request_id"])
    for name, value in scope["log_fields"].items():
        span.set_attribute(f"mycovigil.{name}", value or "")


def _trace_id(headers: Headers) -> str | None:
    """Of FastAPI's span around this request, or the client's own where spans are off."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        carried = propagator.extract(headers)
        context = trace.get_current_span(carried).get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
