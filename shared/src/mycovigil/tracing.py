"""Spans to an OpenTelemetry collector, by OTLP over HTTP, where the environment names one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from opentelemetry import trace

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
PROTOCOL = "http/protobuf"
logger = structlog.get_logger(__name__)


class UnknownProtocol(ValueError):
    """The environment asks for a way to export that is not built in (gRPC, JSON)."""


@contextmanager
def tracing(service: str) -> Iterator[bool]:
    """Export spans while the block runs, and those that wait at its end; yields whether it does.

    Off unless the environment names a collector. The OpenTelemetry SDK reads its standard
    variables by itself: ``OTEL_EXPORTER_OTLP_*`` (endpoint, headers, timeout, certificate),
    ``OTEL_TRACES_SAMPLER``, ``OTEL_BSP_*``, ``OTEL_RESOURCE_ATTRIBUTES``. A collector that is
    away costs spans and a log line, never a request.

    Raises:
        UnknownProtocol: a protocol other than ``http/protobuf`` is asked for.
    """
    if not is_wanted(os.environ):
        yield False
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", f"mycovigil-{service}")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    logger.info("spans are exported", service_name=name)
    try:
        yield True
    finally:
        provider.shutdown()


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the environment names a collector and does not switch tracing off.

    Raises:
        UnknownProtocol: it names a protocol that is not built in.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp") == "none":
        return False
    if not any(environment.get(name) for name in ENDPOINTS):
        return False
    for name in PROTOCOLS:
        if environment.get(name, PROTOCOL) != PROTOCOL:
            raise UnknownProtocol(f"{name}={environment[name]}: only {PROTOCOL} is built in")
    return True
