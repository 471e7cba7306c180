"""The parts of a running predictor, made and ended by the app's lifespan."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from mycovigil.bounded_storage import BoundedStorage
from mycovigil.postgres.engine import Sessions, engine_of, sessions_of
from mycovigil.settings import Settings
from mycovigil_predictor.admission import Admission
from mycovigil_predictor.classify import Classifier
from mycovigil_predictor.connection import ReconnectingConnection
from mycovigil_predictor.inference.answering_model import AnsweringModels
from mycovigil_predictor.inference.decoder import Decoder
from mycovigil_predictor.inference.model_reload import ModelReloader
from mycovigil_predictor.log.database_state import DatabaseState
from mycovigil_predictor.log.drain import Drain
from mycovigil_predictor.log.lookup import Lookup
from mycovigil_predictor.log.photo_store import PhotoStore
from mycovigil_predictor.log.prediction_log import PredictionLog
from mycovigil_predictor.log.spool import Spool
from mycovigil_predictor.metrics import Metrics
from mycovigil_web.keys import KeyCache
from mycovigil_web.rate_limit import RateLimit

# Uploads of the largest size that may be held in memory at once, and never fewer than one
# specimen may have; ordinary photos fit by the hundred.
UPLOADS_IN_MEMORY = 16
# Longest wait for a model's bundle.
STORAGE_SECONDS = 5.0
# Longest wait for a chunk of spooled rows, which no request waits for.
DRAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Predictor:
    settings: Settings
    metrics: Metrics
    sessions: Sessions
    reloader: ModelReloader
    classifier: Classifier
    spool: Spool
    lookup: Lookup
    database: DatabaseState
    answering_models: AnsweringModels
    keys: KeyCache
    rate: RateLimit
    admission: Admission
    page_admission: Admission


@asynccontextmanager
async def running(settings: Settings, metrics: Metrics) -> AsyncIterator[Predictor]:
    """A predictor at work; on leaving, all that was accepted is finished first."""
    options = settings.predictor
    engine = engine_of(settings.database, seconds=options.database_seconds)
    sessions = sessions_of(engine)
    storage = BoundedStorage(
        settings.storage, seconds=STORAGE_SECONDS, paused=metrics.storage_paused.set
    )
    spool = Spool(options.spool_path, most_rows=options.spool_max_rows)
    lookup, database = Lookup(spool, sessions), DatabaseState()
    log = PredictionLog(
        ReconnectingConnection(settings.database, name="log", seconds=options.database_seconds),
        spool,
        database,
        metrics,
        capacity=2 * options.queue_size,
    )
    drain_connection = ReconnectingConnection(
        settings.database, name="drain", seconds=DRAIN_SECONDS
    )
    drain = Drain(drain_connection, spool, database, metrics)
    reloader = ModelReloader(settings, sessions, storage, metrics)
    decoder = Decoder(
        threads=options.decode_threads,
        max_pixels=options.max_pixels,
        store_photos=settings.storage.keep_photos,
    )
    rate = RateLimit(
        settings.redis.url.get_secret_value(),
        service="predictor",
        failures=metrics.web.limit_failures,
    )
    keys = KeyCache(sessions, seconds=options.database_seconds)
    photo_store = PhotoStore(storage, metrics)
    log.start()
    await reloader.refresh()
    tasks = [asyncio.create_task(reloader.run()), asyncio.create_task(drain.run())]
    try:
        yield Predictor(
            settings=settings,
            metrics=metrics,
            sessions=sessions,
            reloader=reloader,
            classifier=Classifier(
                reloader=reloader,
                decoder=decoder,
                log=log,
                lookup=lookup,
                photo_store=photo_store,
                metrics=metrics,
            ),
            spool=spool,
            lookup=lookup,
            database=database,
            answering_models=AnsweringModels(storage, settings.drift),
            keys=keys,
            rate=rate,
            admission=Admission(
                most_requests=options.queue_size,
                most_bytes=max(UPLOADS_IN_MEMORY, options.max_files) * options.max_upload_bytes,
            ),
            page_admission=Admission(
                most_requests=options.page_uploads,
                most_bytes=options.max_files * options.max_upload_bytes,
            ),
        )
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await log.stop()
        await drain.close()
        await rate.close()
        await reloader.close()
        decoder.close()
        photo_store.close()
        storage.close()
        keys.close()
        spool.close()
        engine.dispose()


def of(request: Request) -> Predictor:
    """The predictor that answers ``request``."""
    predictor = request.state.predictor
    assert isinstance(predictor, Predictor)
    return predictor


async def _of(request: Request) -> Predictor:
    """As :func:`of`; a coroutine, because FastAPI runs other dependencies in a thread."""
    return of(request)


Service = Annotated[Predictor, Depends(_of)]
