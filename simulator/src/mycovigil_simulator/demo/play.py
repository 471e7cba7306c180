"""Plays the story on a running stack, night after night."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mycovigil.references.window import Window
from mycovigil_client import Client
from mycovigil_local.process import LineSink
from mycovigil_local.stack import Stack
from mycovigil_simulator.demo import traffic
from mycovigil_simulator.demo.clock import eventually, next_window
from mycovigil_simulator.demo.material import Material, Shot
from mycovigil_simulator.demo.observer import Document, Observer
from mycovigil_simulator.demo.outcome import Outcome
from mycovigil_simulator.demo.story import Night
from mycovigil_simulator.demo.traffic import Told

RELOAD_TIMEOUT = 30.0
DAWN = 0.15
"""Share of a night before its end in which nobody sends, so that every answer falls inside."""
QUICK = "augmentation=none"
"""Plain photos only: the retrains of the demo repeat it, and its seconds are the nights'."""


class TrainingFailed(RuntimeError):
    """The training process ended with an error; the message has its last lines."""


def train(stack: Stack, dataset: Path, sink: LineSink) -> None:
    """Train, calibrate and promote the first model by the command a person would use."""
    command = [sys.executable, "-m", "mycovigil_training", "train", str(dataset), QUICK]
    with subprocess.Popen(
        command,
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line.rstrip())
            sink("train", lines[-1])
    if process.returncode != 0:
        raise TrainingFailed("\n".join(lines[-15:]))


@dataclass(frozen=True)
class Play:
    """A story on a running stack."""

    observer: Observer
    client: Client
    material: Material
    period: timedelta

    def nights(self, story: tuple[Night, ...]) -> Iterator[Outcome]:
        """Each night as it has ended; the next night's photos are made meanwhile."""
        eventually(self.observer.live_model, "production model", timeout=RELOAD_TIMEOUT)
        with ThreadPoolExecutor(1) as kitchen:
            ahead: Future[list[Shot]] = kitchen.submit(self.material.traffic, story[0], 1)
            for number, night in enumerate(story, start=1):
                shots = ahead.result()
                if number < len(story):
                    ahead = kitchen.submit(self.material.traffic, story[number], number + 1)
                yield self._play(night, number, shots)

    def _play(self, night: Night, number: int, shots: list[Shot]) -> Outcome:
        window = next_window(self.period)
        dawn = window.end - DAWN * self.period
        told = traffic.send(self.client, shots, until=dawn)
        labelled = traffic.label(self.client, told)
        report = self.observer.report(window)
        drifted = report["verdict"] == "drift"
        incident = self.observer.incident_of(report) if drifted else None
        retrain = _retrained(self.observer, incident) if incident else None
        missed, deadly = traffic.deadly_misses(told)
        model = eventually(self.observer.live_model, "live model", timeout=RELOAD_TIMEOUT)
        return Outcome(
            night=number,
            title=night.title,
            photos=len(told),
            labelled=labelled,
            deadly=deadly,
            deadly_missed=missed,
            verdict=report["verdict"],
            p_value=report["p_value"],
            level=report["level"],
            cause=report["cause"],
            alert="sent" if incident else None,
            retrain=retrain,
            model=_version(model),
            report_id=report["id"],
            outside_window=_outside(told, window),
        )


def _retrained(observer: Observer, incident: str) -> str:
    """Wait for the incident's job, and for the predictor to serve what it brought."""
    job = observer.job(incident)
    if job["state"] == "failed" or job["model_id"] is None:
        return f"failed: {job['error']}"
    candidate = observer.model(job["model_id"])
    if candidate["status"] != "production":
        return "refused"
    eventually(
        lambda: True if _serves(observer, candidate["version"]) else None,
        "reload of the predictor",
        timeout=RELOAD_TIMEOUT,
    )
    return "promoted"


def _serves(observer: Observer, version: str) -> bool:
    model = observer.live_model()
    return model is not None and _version(model) == version


def _version(model: Document) -> str:
    return str(model.get("version") or model["model"]["version"])


def _outside(told: list[Told], window: Window) -> int:
    """Answers that the clock put into another window; they count there, and we say so."""
    instants: list[datetime] = [one.answer.created_at for one in told]
    return sum(not window.start <= instant < window.end for instant in instants)
