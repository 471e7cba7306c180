"""The use case: photos of one specimen in, a logged row out."""

import asyncio
import hashlib
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from opentelemetry import trace

from mycovigil.db.base import new_id
from mycovigil.references.photo_row import PhotoRow
from mycovigil_predictor import problems
from mycovigil_predictor.batcher import Expired, QueueFull
from mycovigil_predictor.inference.advisor import Assessment, stopped
from mycovigil_predictor.inference.decoder import Decoder, Photo
from mycovigil_predictor.inference.model_reload import ModelReloader
from mycovigil_predictor.inference.pipeline import Pipeline
from mycovigil_predictor.inference.serving import Serving
from mycovigil_predictor.log.idempotency import IdempotencyCache, IdempotentResult
from mycovigil_predictor.log.lookup import Lookup
from mycovigil_predictor.log.photo_store import PhotoStore
from mycovigil_predictor.log.prediction_log import Destination, PredictionLog
from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.metrics import Metrics

tracer = trace.get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, for its row.

    ``started`` is on the clock ``time.perf_counter``, ``deadline`` on ``loop.time``;
    ``idempotency_key`` belongs to the API key with ``key_prefix``.
    """

    request_id: str
    trace_id: str | None
    client: str
    key_prefix: str
    group_key: str | None
    app_version: str | None
    idempotency_key: str | None
    started: float
    deadline: float


class Classifier:
    def __init__(
        self,
        *,
        reloader: ModelReloader,
        decoder: Decoder,
        log: PredictionLog,
        lookup: Lookup,
        photo_store: PhotoStore,
        metrics: Metrics,
    ) -> None:
        self._reloader = reloader
        self._decoder = decoder
        self._log = log
        self._lookup = lookup
        self._photo_store = photo_store
        self._metrics = metrics
        self._idempotency = IdempotencyCache()

    async def classify(self, photos: list[bytes], origin: Origin) -> tuple[Row, Destination]:
        """The durable row of one specimen, and where it is.

        Raises:
            Problem: no model, a bad photo, full queues, or too late.
        """
        serving = self._reloader.serving
        if serving is None:
            raise problems.no_model(self._reloader.trouble)
        try:
            async with asyncio.timeout_at(origin.deadline), serving.pipeline.in_use():
                return await self._classify(serving, photos, origin)
        except (TimeoutError, Expired) as error:
            raise problems.too_late() from error
        except QueueFull as error:
            raise problems.busy() from error

    async def _classify(
        self, serving: Serving, data: list[bytes], origin: Origin
    ) -> tuple[Row, Destination]:
        photos = await self._decode(serving.pipeline, data)
        digest = _digest(photos)
        if origin.idempotency_key is None:
            row = await self._row(serving, photos, origin, digest, None)
            return row, await self._write(row)
        claim = Claim(origin.key_prefix, origin.idempotency_key, digest)
        result = await self._idempotency.get_or_make(
            claim, lambda: self._make(serving, photos, origin, claim)
        )
        return result.row, result.destination

    async def _make(
        self, serving: Serving, photos: list[Photo], origin: Origin, claim: Claim
    ) -> IdempotentResult:
        if earlier := await self._lookup.spooled(claim):
            return earlier
        row = await self._row(serving, photos, origin, claim.fingerprint, claim)
        destination = await self._write(row)
        if destination == Destination.KEY_IN_USE:
            return await self._lookup.committed(claim)
        return IdempotentResult(row, destination, claim)

    async def _decode(self, pipeline: Pipeline, data: list[bytes]) -> list[Photo]:
        with tracer.start_as_current_span("decode"), self._metrics.decode_seconds.time():
            if len(data) == 1:
                return [await self._decoder.decode(data[0], pipeline.identity)]
            decoded = (self._decoder.decode(one, pipeline.identity) for one in data)
            return list(await asyncio.gather(*decoded))

    async def _assess(self, serving: Serving, photos: list[Photo], deadline: float) -> Assessment:
        submitted = (serving.pipeline.features(photo.pixels, deadline=deadline) for photo in photos)
        features = [await next(submitted)] if len(photos) == 1 else await asyncio.gather(*submitted)
        assessment = serving.model.advisor.assess(list(features), serving.certificate_status)
        return stopped(assessment, self._reloader.stop)

    async def _row(
        self,
        serving: Serving,
        photos: list[Photo],
        origin: Origin,
        digest: str,
        claim: Claim | None,
    ) -> Row:
        assessment = await self._assess(serving, photos, origin.deadline)
        image_key = await self._photo_store.store(photos[0].sha256, photos[0].file)
        return Row(
            id=new_id(),
            request_id=origin.request_id,
            trace_id=origin.trace_id,
            client=origin.client,
            key_prefix=origin.key_prefix,
            group_key=origin.group_key,
            app_version=origin.app_version,
            model_id=serving.model.model_id,
            encoder_id=serving.encoder_id,
            features=assessment.features,
            probabilities=assessment.probabilities.tolist(),
            label=assessment.label.value,
            prediction_set=[name.value for name in assessment.prediction_set],
            verdict=assessment.advice.value,
            certificate=serving.certificate_status.value,
            reasons=[asdict(reason) for reason in assessment.reasons],
            distance=assessment.distance,
            photos=len(photos),
            image_sha256=digest,
            image_key=image_key,
            latency_ms=(time.perf_counter() - origin.started) * 1_000,
            covariates=photos[0].covariates.columns(),
            photo_rows=_photo_rows(photos, assessment),
            fingerprint=photos[0].fingerprint,
            claim=claim,
            nearest_species=assessment.nearest_species,
        )

    async def _write(self, row: Row) -> Destination:
        with tracer.start_as_current_span("log"):
            destination = await _despite_cancellation(self._log.write(row))
        if destination != Destination.KEY_IN_USE:
            self._metrics.predictions.labels(row.verdict, destination.value).inc()
            for reason in row.reasons:
                self._metrics.reasons.labels(reason["code"]).inc()
        return destination


async def _despite_cancellation(writing: Coroutine[Any, Any, Destination]) -> Destination:
    """The result, even past the deadline: a row that was handed over may be committed, so the
    answer cannot be "not computed". The log's own limits bound the wait."""
    task = asyncio.create_task(writing)
    with suppress(asyncio.CancelledError):
        await asyncio.shield(task)
    return await task


def _photo_rows(photos: list[Photo], assessment: Assessment) -> list[dict[str, Any]] | None:
    """What was judged of each of several photos; of a single one the row itself says it."""
    if not assessment.photos:
        return None
    return [
        PhotoRow(
            features=alone.features,
            probabilities=alone.output.probabilities.tolist(),
            label=alone.decision.label.value,
            distance=alone.output.distance,
            image_sha256=photo.sha256,
            covariates=photo.covariates.columns(),
            fingerprint=photo.fingerprint,
        ).document()
        for photo, alone in zip(photos, assessment.photos, strict=True)
    ]


def _digest(photos: list[Photo]) -> str:
    """sha256 of the photo; of several, sha256 over their digests."""
    if len(photos) == 1:
        return photos[0].sha256
    return hashlib.sha256("".join(photo.sha256 for photo in photos).encode()).hexdigest()
