"""The use case: photos of one specimen in, a logged row out."""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from opentelemetry import trace
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.db.base import new_id
from mycovigil.postgres.engine import Sessions
from mycovigil.storage import Storage, photo_key
from mycovigil_predictor import problems
from mycovigil_predictor.inference.advisor import Judgement
from mycovigil_predictor.inference.batcher import Expired, QueueFull
from mycovigil_predictor.inference.decoder import Darkroom, Photo
from mycovigil_predictor.inference.model_reload import Follower
from mycovigil_predictor.inference.pipeline import Pipeline
from mycovigil_predictor.inference.serving import Serving
from mycovigil_predictor.log import lookup
from mycovigil_predictor.log.idempotency import Made, Once
from mycovigil_predictor.log.prediction_log import Outcome, PredictionLog
from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.log.spool import Spool
from mycovigil_predictor.metrics import Metrics
from mycovigil_web.problems import database_away

PHOTO_SECONDS = 5.0
"""Longest wait for the storage to keep a photo."""
logger = structlog.get_logger(__name__)
tracer = trace.get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, as the row tells it; ``started`` by ``time.perf_counter``,
    ``deadline`` by ``loop.time``, ``key_prefix`` owns ``idempotency_key``."""

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
        follower: Follower,
        darkroom: Darkroom,
        log: PredictionLog,
        spool: Spool,
        sessions: Sessions,
        storage: Storage,
        metrics: Metrics,
    ) -> None:
        self._follower = follower
        self._darkroom = darkroom
        self._log = log
        self._spool = spool
        self._sessions = sessions
        self._storage = storage
        self._metrics = metrics
        self._once = Once()

    async def classify(self, photos: list[bytes], origin: Origin) -> tuple[Row, Outcome]:
        """The durable row of one specimen.

        Raises:
            Problem: no model, a bad photo, full queues, or too late.
        """
        serving = self._follower.serving
        if serving is None:
            raise problems.no_model(self._follower.trouble)
        try:
            async with asyncio.timeout_at(origin.deadline), serving.pipeline.in_use():
                return await self._within(serving, photos, origin)
        except (TimeoutError, Expired) as error:
            raise problems.too_late() from error
        except QueueFull as error:
            raise problems.busy() from error

    async def _within(
        self, serving: Serving, data: list[bytes], origin: Origin
    ) -> tuple[Row, Outcome]:
        photos = await self._develop(serving.pipeline, data)
        fingerprint = _fingerprint(photos)
        if origin.idempotency_key is None:
            row = await self._row(serving, photos, origin, fingerprint, None)
            return row, await self._keep(row)
        claim = Claim(origin.key_prefix, origin.idempotency_key, fingerprint)
        made = await self._once.make(claim, lambda: self._make(serving, photos, origin, claim))
        return made.row, made.outcome

    async def _make(
        self, serving: Serving, photos: list[Photo], origin: Origin, claim: Claim
    ) -> Made:
        if self._spool.holds and (found := await self._spooled(claim)):
            return found
        row = await self._row(serving, photos, origin, claim.fingerprint, claim)
        outcome = await self._keep(row)
        if outcome == Outcome.TAKEN:
            return await asyncio.to_thread(self._earlier, claim)
        return Made(row, outcome, claim)

    async def _develop(self, pipeline: Pipeline, data: list[bytes]) -> list[Photo]:
        with tracer.start_as_current_span("decode"), self._metrics.decode_seconds.time():
            if len(data) == 1:
                return [await self._darkroom.develop(data[0], pipeline.identity)]
            developed = (self._darkroom.develop(one, pipeline.identity) for one in data)
            return list(await asyncio.gather(*developed))

    async def _row(
        self,
        serving: Serving,
        photos: list[Photo],
        origin: Origin,
        digest: str,
        claim: Claim | None,
    ) -> Row:
        judgement = await self._judge(serving, photos, origin.deadline)
        key = await self._keep_photo(photos[0])
        return Row(
            id=new_id(),
            request_id=origin.request_id,
            trace_id=origin.trace_id,
            client=origin.client,
            key_prefix=origin.key_prefix,
            group_key=origin.group_key,
            app_version=origin.app_version,
            model_id=serving.card.model_id,
            encoder_id=serving.encoder_id,
            features=judgement.features,
            probabilities=judgement.probabilities.tolist(),
            label=judgement.label.value,
            prediction_set=[name.value for name in judgement.prediction_set],
            verdict=judgement.verdict.value,
            certificate=serving.certificate_state.value,
            reasons=[{"code": reason.code, "text": reason.text} for reason in judgement.reasons],
            distance=judgement.distance,
            photos=len(photos),
            image_sha256=digest,
            image_key=key,
            latency_ms=(time.perf_counter() - origin.started) * 1_000,
            covariates=photos[0].covariates.columns(),
            claim=claim,
            kin=judgement.kin,
        )

    async def _judge(self, serving: Serving, photos: list[Photo], deadline: float) -> Judgement:
        submitted = (serving.pipeline.features(photo.pixels, deadline=deadline) for photo in photos)
        features = [await next(submitted)] if len(photos) == 1 else await asyncio.gather(*submitted)
        return serving.card.judge.judge(list(features), serving.certificate_state)

    async def _keep_photo(self, photo: Photo) -> str | None:
        if photo.kept is None:
            return None
        key = photo_key(hashlib.sha256(photo.kept).hexdigest())
        try:
            async with asyncio.timeout(PHOTO_SECONDS):
                return await asyncio.to_thread(self._storage.write, key, photo.kept, private=True)
        except Exception as error:  # of any storage; an answer matters more than a gallery
            self._metrics.lost_photos.inc()
            logger.warning("a photo is not kept", error=str(error) or type(error).__name__)
            return None

    async def _keep(self, row: Row) -> Outcome:
        with tracer.start_as_current_span("log"):
            outcome = await _to_its_end(self._log.keep(row))
        if outcome != Outcome.TAKEN:
            self._metrics.predictions.labels(row.verdict, outcome.value).inc()
            for reason in row.reasons:
                self._metrics.reasons.labels(reason["code"]).inc()
        return outcome

    async def _spooled(self, claim: Claim) -> Made | None:
        found = await asyncio.to_thread(self._spool.claimed, claim.client, claim.key)
        return Made(found[0], Outcome.SPOOL, found[1]) if found else None

    def _earlier(self, claim: Claim) -> Made:
        try:
            with self._sessions() as session:
                found = lookup.claimed(session, claim)
        except SQLAlchemyError as error:
            raise database_away() from error
        if found is None:
            raise database_away()
        return Made(found[0], Outcome.DATABASE, found[1])


async def _to_its_end(keeping: Coroutine[Any, Any, Outcome]) -> Outcome:
    """The outcome, even past the deadline: a row that was handed over may be committed, so it
    cannot be called "not computed". The log's own limits bound the wait."""
    task = asyncio.create_task(keeping)
    with suppress(asyncio.CancelledError):
        await asyncio.shield(task)
    return await task


def _fingerprint(photos: list[Photo]) -> str:
    """sha256 of the photo; of several, sha256 over their digests."""
    if len(photos) == 1:
        return photos[0].sha256
    return hashlib.sha256("".join(photo.sha256 for photo in photos).encode()).hexdigest()


def parsed_id(text: str) -> uuid.UUID | None:
    """A UUID from a path, or none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
