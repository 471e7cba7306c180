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
from mycovigil_simulator.demo.observer import Document, Observer
from mycovigil_simulator.demo.outcome import Outcome
from mycovigil_simulator.demo.pending_work import TIMEOUT
from mycovigil_simulator.demo.photo_source import PhotoSource, Shot
from mycovigil_simulator.demo.story import Night
from mycovigil_simulator.demo.traffic import SentPhoto

# Share of a night before its end in which no photo is sent, so that every answer falls inside.
QUIET_SHARE = 0.15
# Hydra overrides, which retrains inherit: no augmented views, so that a training takes seconds; and
# two photos in five are held out for the gate.
OVERRIDES = ("augmentation=none", "split.holdout=0.4")


class TrainingFailed(RuntimeError):
    """The training process ended with an error; the message has its last lines."""


def train(stack: Stack, dataset: Path, sink: LineSink) -> None:
    """Train, calibrate and promote the first model by the command a person would use."""
    command = [sys.executable, "-m", "mycovigil_training", "train", str(dataset), *OVERRIDES]
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
    source: PhotoSource
    period: timedelta

    def nights(self, story: tuple[Night, ...]) -> Iterator[Outcome]:
        """Each night once everything that followed from it has happened; the next night's photos
        are made meanwhile.

        Raises:
            TimeoutError: something did not happen; the message names it.
        """
        answered = 0
        self.observer.wait_until_idle(answered)
        with ThreadPoolExecutor(1) as pool:
            ahead: Future[list[Shot]] = pool.submit(self.source.traffic, story[0], 1)
            for number, night in enumerate(story, start=1):
                shots = ahead.result()
                if number < len(story):
                    ahead = pool.submit(self.source.traffic, story[number], number + 1)
                outcome = self._play(night, number, shots, answered)
                answered += outcome.photos
                yield outcome

    def _play(self, night: Night, number: int, shots: list[Shot], before: int) -> Outcome:
        """Send and label a night's photos, and wait for its consequences.

        Args:
            before: predictions answered in earlier nights.
        """
        window = next_window(self.period)
        sent = traffic.send(self.client, shots, until=window.end - QUIET_SHARE * self.period)
        report = self.observer.report(window)
        labelled = self._random_ones(sent) if sent else 0
        self.observer.wait_until_idle(before + len(sent))
        incident = self.observer.incident_of(report) if report["verdict"] == "drift" else None
        if incident:
            labelled += self._taught(incident, sent)
            self.observer.wait_until_idle(before + len(sent))
        missed, deadly = traffic.deadly_misses(sent)
        certificate = self.observer.certificate_of(report["model_id"])
        counted = self.observer.deadly_labels(report["id"])
        return Outcome(
            night=number,
            title=night.title,
            photos=len(sent),
            labelled=labelled,
            deadly=deadly,
            deadly_missed=missed,
            verdict=report["verdict"],
            p_value=report["p_value"],
            level=report["level"],
            cause=report["cause"],
            alert="sent" if incident else None,
            retrain=_retrained(self.observer, incident) if incident else None,
            model=_version(self.observer.live_model()),
            report_id=report["id"],
            outside_window=_outside(sent, window),
            certificate=certificate["state"],
            bound=certificate["bound"],
            deadly_labelled=counted["count"],
            deadly_labelled_missed=counted["missed"],
        )

    def _random_ones(self, sent: list[SentPhoto]) -> int:
        """Answer what the label queue asks about of the night at random; returns the labels sent.

        Raises:
            TimeoutError: it asks about none.
        """
        known = {str(one.answer.id) for one in sent}
        asked = eventually(
            lambda: known.intersection(self.observer.asked(ordinary=True)) or None,
            "random photos of the night to label",
            timeout=TIMEOUT,
        )
        return traffic.answer_queue(self.client, sent, sorted(asked))

    def _taught(self, incident: str, sent: list[SentPhoto]) -> int:
        """Answer the label queue until the incident's retrain goes on; returns the labels sent.

        Raises:
            TimeoutError: it waits still.
        """
        labelled = 0

        def goes_on() -> bool | None:
            nonlocal labelled
            if not self.observer.waits_for_labels(incident):
                return True
            labelled += traffic.answer_queue(self.client, sent, self.observer.asked())
            return None

        eventually(goes_on, "retrain with the labels that it asked for", timeout=TIMEOUT)
        return labelled


def _retrained(observer: Observer, incident: str) -> str:
    """What came of the incident's retrain job, which has ended or waits for more labels."""
    job = observer.job(incident)
    if job is None:
        return "failed: no job was made"
    if job["state"] == "failed" or job["model_id"] is None:
        return f"failed: {job['error']}"
    return "promoted" if observer.was_promoted(job["model_id"]) else "refused"


def _version(model: Document | None) -> str:
    return str(model["version"]) if model else ""


def _outside(sent: list[SentPhoto], window: Window) -> int:
    """Answers that the clock put into another window; they count there, and we say so."""
    instants: list[datetime] = [one.answer.created_at for one in sent]
    return sum(not window.start <= instant < window.end for instant in instants)
