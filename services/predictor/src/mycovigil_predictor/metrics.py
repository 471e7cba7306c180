"""Prometheus metrics: requests, batches, queues, the spool, abstentions."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mycovigil_web.metrics import SECONDS, WebMetrics

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PREFIX = "mycovigil_predictor"


class Metrics:
    """One registry an app, so that several apps can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.web = WebMetrics("predictor", self.registry)
        self.decode_seconds = self._seconds("decode", "Decoding the photos of a request.")
        self.encode_seconds = self._seconds("encode", "Encoding one micro-batch.")
        self.queue_seconds = self._seconds("queue_and_encode", "From submission to features.")
        self.log_seconds = self._seconds("log", "Writing one batch of rows to Postgres.")
        self.batch_sizes = Histogram(
            f"{PREFIX}_batch_size",
            "Photos in a micro-batch.",
            buckets=SIZES,
            registry=self.registry,
        )
        self.waiting = self._gauge("waiting_photos", "Photos waiting for, or in, the encoder.")
        self.inside = self._gauge("requests_inside", "Predictions being made.")
        self.held_bytes = self._gauge("upload_bytes", "Bytes of uploads held in memory.")
        self.spool_depth = self._gauge("spool_rows", "Rows waiting until Postgres can take them.")
        self.spool_limit = self._gauge("spool_limit_rows", "Rows that the spool takes at most.")
        self.days_without_partition = self._gauge(
            "days_without_partition", "Days whose rows are spooled until they have a partition."
        )
        self.set_aside = self._gauge(
            "set_aside_rows", "Spooled rows that Postgres refuses for good, or that cannot be read."
        )
        self.lost_photos = self._counter("unkept_photos", "Photos that storage did not take.")
        self.photo_storage_paused = self._gauge(
            "photo_storage_paused",
            "1 while no photo is stored, because storage has just failed.",
        )
        self.storage_paused = self._gauge(
            "storage_paused", "1 while no model is read, because storage has just failed or hung."
        )
        self.drained = self._counter("drained_rows", "Spooled rows merged into Postgres.")
        self.predictions = self._counter(
            "predictions", "Answers by verdict and where they were logged.", ["verdict", "logged"]
        )
        self.reasons = self._counter("reasons", "Answers by reason, so abstentions too.", ["code"])
        self.reloads = self._counter("reloads", "Changes of the served model.", ["result"])
        self.model = Gauge(
            f"{PREFIX}_model_info",
            "1 for the model that is served.",
            ["model", "encoder", "certificate", "demo"],
            registry=self.registry,
        )

    def _seconds(self, name: str, help_: str, labels: list[str] | None = None) -> Histogram:
        return Histogram(
            f"{PREFIX}_{name}_seconds", help_, labels or [], buckets=SECONDS, registry=self.registry
        )

    def _counter(self, name: str, help_: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"{PREFIX}_{name}", help_, labels or [], registry=self.registry)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", help_, registry=self.registry)
