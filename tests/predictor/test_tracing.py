"""Spans of a request reach a collector over HTTP, and log lines carry the trace's id."""

from pathlib import Path

import pytest
from factories.collector import collecting
from factories.photo import make_photo
from factories.predictor import Desk
from factories.process import Process

from mycovigil.db.model import Model
from mycovigil.settings import Settings
from mycovigil.tracing import UnknownProtocol, is_wanted, tracing

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
STEPS = ("decode", "queue", "encode", "log")


@pytest.mark.whole
def test_a_request_is_told_step_by_step(
    desk: Desk, settings: Settings, production: Model, tmp_path: Path
) -> None:
    with collecting() as collected:
        process = Process(settings, tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT=collected.url)
        process.start()
        process.wait_ready()
        with process.client(desk.key()) as http:
            carried = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            answer = http.post("/v1/predictions", content=make_photo(), headers=carried)
            found = http.get(f"/v1/predictions/{answer.json()['id']}", headers=carried)
        process.close()  # what waits is exported on the way out

    assert (answer.status_code, found.status_code) == (200, 200)
    assert collected.services == {"mycovigil-predictor"}
    request = collected.named("POST /v1/predictions")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    told = {one.key: one.value.string_value for one in request.attributes}
    assert told["mycovigil.prediction_id"] == answer.json()["id"]
    for name in STEPS:
        span = collected.named(name)
        assert span.trace_id == request.trace_id
        assert span.parent_span_id == request.span_id
        assert request.start_time_unix_nano <= span.start_time_unix_nano
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= request.end_time_unix_nano
    logged = [line for line in process.lines() if line["event"] == "request"]
    assert TRACE in {line["trace_id"] for line in logged}
    assert answer.json()["id"] in {line["prediction_id"] for line in logged}


def test_it_is_off_unless_a_collector_is_named() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert not is_wanted({})
    assert is_wanted(endpoint)
    assert is_wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
    assert not is_wanted(endpoint | {"OTEL_SDK_DISABLED": "true"})
    assert not is_wanted(endpoint | {"OTEL_TRACES_EXPORTER": "none"})
    with pytest.raises(UnknownProtocol, match="only http/protobuf"):
        is_wanted(endpoint | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    with tracing("test") as exporting:
        assert not exporting
