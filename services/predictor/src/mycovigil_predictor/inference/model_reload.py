"""Serves the production model: follows the registry by NOTIFY and polling, without a restart."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.models.registry import CHANNEL, Production
from mycovigil.postgres.engine import Sessions
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_predictor.connection import DATABASE_AWAY, connect
from mycovigil_predictor.inference.model_loading import load_engine, load_model
from mycovigil_predictor.inference.pipeline import Pipeline
from mycovigil_predictor.inference.registry_state import RegistryState
from mycovigil_predictor.inference.serving import Serving
from mycovigil_predictor.metrics import Metrics

logger = structlog.get_logger(__name__)


class ModelReloader:
    """Holds the present :class:`Serving`; a model that cannot be loaded leaves the old one.

    Only the production model is monitored. A model that is served on after it left production is
    unmonitored: its certificate is at best ``suspect``, and further changes of its row are
    followed. So is any model once the database was away for longer than a night: nobody can judge
    that night, and a lost certificate would not be heard of. Where nights are over but not judged
    (`mycovigil.incidents.monitoring`), the certificate is in doubt until they are.
    """

    def __init__(
        self, settings: Settings, sessions: Sessions, storage: Storage, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._storage = storage
        self._metrics = metrics
        self._retiring: set[asyncio.Task[None]] = set()
        # A thread of its own: a cancelled read still holds a connection until it ends, and
        # close() must be able to wait for that.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="registry")
        self.serving: Serving | None = None
        self.trouble: str | None = None
        self.stop: str | None = None  # why an operator stopped all answers
        self.database_reached = False
        self._reached_at = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._listen()
            except DATABASE_AWAY:
                await self.refresh()
            except Exception:  # whatever it is, the next refresh may succeed
                logger.exception("following the production model failed")
            await asyncio.sleep(self._settings.predictor.reload_seconds)

    async def refresh(self) -> None:
        """Compare with the registry once, and swap if something changed."""
        state = await self._read()
        if state is None:
            return  # what is served stays
        if state.production is None:
            self._serve_on(state, "no model is in production")
            return
        if self.serving and self.serving.is_current(state.production) and self.trouble is None:
            return
        try:
            self._swap(await self._loaded(state.production))
        except Exception as error:  # a runtime has its own errors; none may end the service
            version = state.production.model.version
            self._serve_on(state, f"model {version} cannot be served: {error}")

    async def _read(self) -> RegistryState | None:
        """The registry now, its stop followed already; none if the database is away."""
        try:
            loop = asyncio.get_running_loop()
            state = await loop.run_in_executor(self._reader, self._read_registry)
        except SQLAlchemyError:
            self.database_reached = False
            self._doubt_after_outage()
            return None
        self.database_reached = True
        self._reached_at = time.monotonic()
        self._follow_stop(state.stop)
        return state

    def _follow_stop(self, stop: str | None) -> None:
        if stop != self.stop:
            logger.warning("answers are stopped" if stop else "answers go on", reason=stop)
        self.stop = stop

    async def close(self) -> None:
        if self.serving:
            await self.serving.pipeline.retire()
        await asyncio.gather(*self._retiring)
        await asyncio.to_thread(self._reader.shutdown)

    async def _listen(self) -> None:
        """Refresh at each notice, and each ``reload_seconds``, until the connection breaks."""
        database = self._settings.database
        seconds = self._settings.predictor.database_seconds
        async with await connect(database, "reload", seconds=seconds) as connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            while True:
                await self.refresh()
                notices = connection.notifies(
                    timeout=self._settings.predictor.reload_seconds, stop_after=1
                )
                async for _notice in notices:
                    pass

    def _read_registry(self) -> RegistryState:
        served_id = self.serving.model.model_id if self.serving else None
        with self._sessions() as session:
            return RegistryState.read(session, served_id, self._settings.drift)

    async def _loaded(self, production: Production) -> Serving:
        """As :meth:`_load`. While it takes its time (a large encoder, a storage that hangs), an
        operator's stop and the served model's certificate are followed."""
        loading = asyncio.create_task(self._load(production))
        seconds = self._settings.predictor.reload_seconds
        try:
            while not (await asyncio.wait({loading}, timeout=seconds))[0]:
                state = await self._read()
                if state is not None and self.serving is not None:
                    self.serving = self.serving.with_certificate_of(state.served)
                    self._set_metric(self.serving)
            return loading.result()
        finally:
            loading.cancel()

    async def _load(self, production: Production) -> Serving:
        now = self.serving
        if now and now.model.model_id == production.model.id:
            model = now.model
        else:
            model = await asyncio.to_thread(load_model, self._storage, production)
        if now and now.encoder_id == production.encoder.id:
            pipeline = now.pipeline
        else:
            pipeline = await self._pipeline(production)
        return Serving(
            model=model,
            encoder_id=production.encoder.id,
            certificate_status=production.certificate_state,
            certificate_reason=production.certificate_reason,
            pipeline=pipeline,
        )

    async def _pipeline(self, production: Production) -> Pipeline:
        lanes = self._settings.predictor.engines
        engine = await asyncio.to_thread(load_engine, production, lanes=lanes)
        pipeline = Pipeline(engine, self._settings.predictor, self._metrics)
        pipeline.start()
        return pipeline

    def _swap(self, serving: Serving) -> None:
        old, self.serving, self.trouble = self.serving, serving, None
        if old is None or old.pipeline is not serving.pipeline:
            _log_encoder(serving)
        if old and old.pipeline is not serving.pipeline:
            task = asyncio.create_task(old.pipeline.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        self._metrics.reloads.labels("swapped").inc()
        self._set_metric(serving)
        log = logger.warning if serving.model.demo else logger.info
        log(
            "model is served",
            model=serving.model.version,
            model_id=str(serving.model.model_id),
            demo=serving.model.demo,
            certificate=serving.certificate_status,
            replaced=old.model.version if old else None,
        )

    def _serve_on(self, state: RegistryState, trouble: str) -> None:
        """Keep the old model; unmonitored, unless it is the production model itself."""
        now = self.serving
        if now is None and state.production is None:
            return  # there was never a model
        if trouble != self.trouble:
            still = now.model.version if now else None
            logger.error("model cannot be served", trouble=trouble, still=still)
            self._metrics.reloads.labels("refused").inc()
        self.trouble = trouble
        if now is None:
            return
        now = now.with_certificate_of(state.served)
        if state.production is None or state.production.model.id != now.model.model_id:
            now = now.unmonitored(trouble)
        self.serving = now
        self._set_metric(now)

    def _doubt_after_outage(self) -> None:
        """Call the certificate suspect once the database was away for longer than a night."""
        drift, now = self._settings.drift, self.serving
        away = time.monotonic() - self._reached_at
        if now is None or not now.monitored or away <= drift.period_seconds + drift.grace_seconds:
            return
        self.trouble = "the database has been away for longer than a night"
        logger.error("certificate in doubt", trouble=self.trouble, model=now.model.version)
        self.serving = now.unmonitored(self.trouble)
        self._set_metric(self.serving)

    def _set_metric(self, serving: Serving) -> None:
        model = serving.model
        self._metrics.model.clear()
        self._metrics.model.labels(
            model.version,
            model.meta.encoder_name,
            serving.certificate_status,
            str(model.demo).lower(),
        ).set(1)


def _log_encoder(serving: Serving) -> None:
    identity = serving.pipeline.identity
    logger.info(
        "encoder is loaded",
        encoder=identity.name,
        architecture=identity.architecture,
        precision=identity.precision,
        provider=serving.pipeline.provider,
    )
    if serving.screens_only:
        logger.warning(
            "this is a demo and screening encoder, no identifier: export BioCLIP "
            "('mycovigil encoder export') before anybody relies on an answer",
            encoder=identity.name,
        )
