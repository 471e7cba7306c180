"""The process: what it imports, how it ends, what it says of a demo encoder."""

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.environment import environment
from factories.photo import make_photo
from factories.predictor import Desk
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings

HEAVY = ("torch", "pandas", "evidently", "sklearn", "scipy", "celery", "lightning")


def test_it_starts_without_torch_and_pandas() -> None:
    program = (
        "import sys, mycovigil_predictor.__main__, mycovigil_predictor.app, mycovigil_web.server\n"
        f"sys.exit(','.join(name for name in {HEAVY} if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.whole
def test_sigterm_loses_no_accepted_request_and_a_demo_encoder_is_called_one(
    desk: Desk, settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    folder = tiny_encoder_folder(tmp_path / "mini", name="mini")
    desk.promote(make_bundle(folder), folder)
    headers = {"authorization": f"Bearer {desk.key()}", "content-type": "image/jpeg"}
    process = subprocess.Popen(
        [sys.executable, "-m", "mycovigil_predictor"],
        env=environment(settings, port=0),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == "Application startup complete.":
            break
    url = next(line["url"] for line in lines if line["event"] == "listening")
    assert any("no identifier" in line["event"] for line in lines)
    draining = threading.Thread(target=process.stderr.read)
    draining.start()
    started = threading.Barrier(9)

    def send(number: int) -> int:
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
            http.get("/healthz")
            started.wait(60)
            try:
                photo = make_photo(2_000, 1_500, seed=number)
                return http.post("/v1/predictions", content=photo).status_code
            except httpx.TransportError:
                return 0  # not accepted any more

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, number) for number in range(8)]
        started.wait(60)
        process.send_signal(signal.SIGTERM)
        statuses = [one.result() for one in sent]
    assert process.wait(60) in {0, -signal.SIGTERM}  # uvicorn ends as the signal would
    draining.join(60)
    process.stderr.close()
    assert set(statuses) <= {200, 0}
    with Session(engine) as session:
        rows = session.scalar(select(func.count()).select_from(Prediction))
    assert rows == statuses.count(200)
