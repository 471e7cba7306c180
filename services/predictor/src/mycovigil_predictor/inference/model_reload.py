"""Follows the production model: NOTIFY and polling, a swap without a restart."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.db.model import Model
from mycovigil.incidents import monitoring
from mycovigil.models import registry
from mycovigil.models.registry import CHANNEL, Production
from mycovigil.postgres.engine import Sessions
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_predictor.inference.pipeline import Pipeline
from mycovigil_predictor.inference.serving import ModelCard, Serving, card_of, engine_of
from mycovigil_predictor.log.connection import AWAY, connect
from mycovigil_predictor.metrics import Metrics

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Look:
    """The registry at one moment: the production model, and the row of the one served."""

    production: Production | None
    served: Model | None


class Follower:
    """Holds the present :class:`Serving`; a model that cannot be loaded leaves the old one.

    The nightly watch follows the production model alone. One that is served on though it is in
    production no more is unwatched: it is at best ``suspect``, and its row is followed still. So is
    any model once the database was away for longer than a night: nobody can judge that night, and
    a certificate that was lost meanwhile is not heard of. Where nights are not judged though they
    are over (`mycovigil.incidents.monitoring`), the certificate is in doubt until they are.
    """

    def __init__(
        self, settings: Settings, sessions: Sessions, storage: Storage, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._storage = storage
        self._metrics = metrics
        self._retiring: set[asyncio.Task[None]] = set()
        # A thread of its own: a cancelled look still holds a connection until it ends, and
        # close() must be able to wait for that.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="follow")
        self.serving: Serving | None = None
        self.trouble: str | None = None
        self.database_reached = False
        self._reached_at = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._listen()
            except AWAY:
                await self.follow()
            except Exception:  # whatever it is, the next look may succeed
                logger.exception("following the production model failed")
            await asyncio.sleep(self._settings.predictor.reload_seconds)

    async def follow(self) -> None:
        """Compare with the registry once, and swap if something changed."""
        try:
            loop = asyncio.get_running_loop()
            look = await loop.run_in_executor(self._reader, self._look)
        except SQLAlchemyError:
            self.database_reached = False
            self._forgotten()
            return  # what is served stays
        self.database_reached = True
        self._reached_at = time.monotonic()
        if look.production is None:
            self._served_on(look, "no model is in production")
            return
        if self.serving and self.serving.is_still(look.production) and self.trouble is None:
            return
        try:
            self._swap(await self._load(look.production))
        except Exception as error:  # a runtime has its own errors; none may end the service
            told = f"model {look.production.model.version} cannot be served: {error}"
            self._served_on(look, told)

    async def close(self) -> None:
        if self.serving:
            await self.serving.pipeline.retire()
        await asyncio.gather(*self._retiring)
        await asyncio.to_thread(self._reader.shutdown)

    async def _listen(self) -> None:
        """Follow until the connection breaks; each notice and each pause is a look."""
        url = self._settings.database.url.get_secret_value()
        seconds = self._settings.predictor.database_seconds
        async with await connect(url, "reload", seconds=seconds) as connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            while True:
                await self.follow()
                notices = connection.notifies(
                    timeout=self._settings.predictor.reload_seconds, stop_after=1
                )
                async for _notice in notices:
                    pass

    def _look(self) -> _Look:
        serving = self.serving
        with self._sessions() as session:
            served = session.get(Model, serving.card.model_id) if serving else None
            production = registry.production(session)
            if production is not None:
                doubt = monitoring.lapse(session, production.model.id, self._settings.drift)
                production = replace(production, doubt=doubt)
            return _Look(production, served)

    async def _load(self, production: Production) -> Serving:
        model = production.model
        now = self.serving
        card: ModelCard
        if now and now.card.model_id == model.id:
            card = now.card
        else:
            card = await asyncio.to_thread(card_of, self._storage, production)
        if now and now.encoder_id == production.encoder.id:
            pipeline = now.pipeline
        else:
            pipeline = await self._pipeline(production)
        return Serving(
            card=card,
            encoder_id=production.encoder.id,
            certificate_state=production.certificate_state,
            certificate_reason=production.certificate_reason,
            pipeline=pipeline,
        )

    async def _pipeline(self, production: Production) -> Pipeline:
        lanes = self._settings.predictor.engines
        engine = await asyncio.to_thread(engine_of, production, lanes=lanes)
        pipeline = Pipeline(engine, self._settings.predictor, self._metrics)
        pipeline.start()
        return pipeline

    def _swap(self, serving: Serving) -> None:
        old, self.serving, self.trouble = self.serving, serving, None
        if old is None or old.pipeline is not serving.pipeline:
            _introduce(serving)
        if old and old.pipeline is not serving.pipeline:
            task = asyncio.create_task(old.pipeline.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        self._metrics.reloads.labels("swapped").inc()
        self._tell()
        log = logger.warning if serving.card.demo else logger.info
        log(
            "model is served",
            model=serving.card.version,
            model_id=str(serving.card.model_id),
            certificate=serving.certificate_state,
            demo=serving.card.demo,
            replaced=old.card.version if old else None,
        )

    def _served_on(self, look: _Look, trouble: str) -> None:
        """Say what is wrong; a model that is no longer in production vouches for less."""
        now = self.serving
        if now is None and look.production is None:
            return  # there was never a model
        if trouble != self.trouble:
            still = now.card.version if now else None
            logger.error("model cannot be served", trouble=trouble, still=still)
            self._metrics.reloads.labels("refused").inc()
        self.trouble = trouble
        if now is None:
            return
        if look.production and look.production.model.id == now.card.model_id:
            self.serving = now.restated(look.served)
        else:
            self.serving = now.restated(look.served).unwatched(trouble)
        self._tell()

    def _forgotten(self) -> None:
        """Take the promise back once a night's rows can have been judged by nobody."""
        drift, now = self._settings.drift, self.serving
        away = time.monotonic() - self._reached_at
        if now is None or not now.watched or away <= drift.period_seconds + drift.grace_seconds:
            return
        self.trouble = "the database has been away for longer than a night"
        logger.error("certificate in doubt", trouble=self.trouble, model=now.card.version)
        self.serving = now.unwatched(self.trouble)
        self._tell()

    def _tell(self) -> None:
        """The served model as a metric."""
        assert self.serving is not None
        card, state = self.serving.card, self.serving.certificate_state
        self._metrics.model.clear()
        demo = str(card.demo).lower()
        self._metrics.model.labels(card.version, card.meta.encoder_name, state, demo).set(1)


def _introduce(serving: Serving) -> None:
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
