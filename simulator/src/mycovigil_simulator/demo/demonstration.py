"""Runs the demo on a stack of its own; shows it on the terminal and writes it to a JSON file."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live

from mycovigil import stack_file
from mycovigil_client import Client
from mycovigil_local.merged_log import MergedLog
from mycovigil_local.stack import Stack, running
from mycovigil_simulator.demo import play, proof, screenshot
from mycovigil_simulator.demo.observer import Observer
from mycovigil_simulator.demo.outcome import Outcome, table
from mycovigil_simulator.demo.photo_source import PhotoSource
from mycovigil_simulator.demo.real_photos import RealPhotos
from mycovigil_simulator.demo.simulated_photos import SimulatedPhotos
from mycovigil_simulator.demo.story import STORY, Night

SEED = 20_261_122
# Photos of each poisonous and deadly species. With 160, about 480 deadly specimens are held out for
# the gate: it needs 180 from a flawless model, and about 500 from one that disagrees on 2%.
HARMFUL = 160
# One photo in so many is asked about.
LABELLED = 3


@dataclass
class Demonstration:
    """``photos``: a folder of real photos, or none for simulated ones, drawn by ``workers``
    processes."""

    photos: Path | None
    data: Path
    period: float
    keep: bool
    story: tuple[Night, ...] = STORY
    photos_a_night: int = 240
    per_species: int = 60
    harmful_per_species: int = HARMFUL
    workers: int = 2
    console: Console = field(default_factory=lambda: Console(highlight=False))

    def run(self, json_file: Path | None) -> bool:
        """Play all nights; true if the counts prove that the loop is closed.

        Raises:
            AlreadyRunning: another stack owns the folder.
            ChildFailed, TrainingFailed: a process ended with an error.
            TimeoutError: something that should follow from a night did not happen.
            FileNotFoundError, ValueError: the folder of photos cannot be used.
        """
        stack_file.claim(self.data / "stack.json")
        shutil.rmtree(self.data, ignore_errors=True)
        source = self._photo_source()
        self.console.print(f"[bold]Mycovigil demo[/]: {source.describe()}", soft_wrap=True)
        with ExitStack() as exits:
            exits.callback(source.close)
            merged = exits.enter_context(MergedLog(self.data / "stack.log", None))
            with self._step("preparing reference photos (kept for the next time)"):
                dataset = source.dataset()
            with self._step("starting Postgres, Redis, Pub/Sub, predictor, drift API, worker"):
                stack = exits.enter_context(
                    running(self.data, merged.line, overrides=self._overrides())
                )
            with self._step("training, calibrating and certifying the first model"):
                play.train(stack, dataset, merged.line)
            outcomes = self._nights(stack, source)
            return self._conclude(stack, outcomes, json_file)

    def _photo_source(self) -> PhotoSource:
        cache = self.data.parent / "demo-photos"
        if self.photos is None:
            return SimulatedPhotos(
                cache,
                self.photos_a_night,
                self.per_species,
                self.harmful_per_species,
                SEED,
                self.workers,
            )
        return RealPhotos(self.photos.resolve(), cache, self.photos_a_night, SEED)

    def _overrides(self) -> dict[str, str]:
        """A night of seconds, a third of whose photos an expert is asked about at random, and a
        first model of its own; everything else as in production."""
        return {
            "MYCOVIGIL_TRAINING_RANDOM_LABELS_A_WEEK": str(7 * self.photos_a_night // LABELLED),
            "MYCOVIGIL_TRAINING_RANDOM_LABELS_NIGHTS": "1",
            "MYCOVIGIL_DRIFT_PERIOD_SECONDS": str(self.period),
            "MYCOVIGIL_DRIFT_GRACE_SECONDS": "0.3",
            "MYCOVIGIL_DRIFT_WINDOWS": "[1]",
            "MYCOVIGIL_DEMO_MODEL": "false",
        }

    def _nights(self, stack: Stack, source: PhotoSource) -> list[Outcome]:
        outcomes: list[Outcome] = []
        headers = {"authorization": f"Bearer {stack.api_key}"}
        with (
            httpx.Client(headers=headers, timeout=30) as http,
            Client(stack.predictor_url, stack.api_key) as client,
            Live(table(outcomes), console=self.console, refresh_per_second=4) as live,
        ):
            played = play.Play(
                Observer(stack, http), client, source, timedelta(seconds=self.period)
            )
            for outcome in played.nights(self.story):
                outcomes.append(outcome)
                live.update(table(outcomes))
                if not self.console.is_terminal:
                    self.console.print(outcome.sentence(), soft_wrap=True)
        return outcomes

    def _conclude(self, stack: Stack, outcomes: list[Outcome], json_file: Path | None) -> bool:
        answered = sum(outcome.photos for outcome in outcomes)
        counts = proof.collect(stack.environment["MYCOVIGIL_DATABASE_URL"], answered)
        # Nights without photos pass while it trains: the 30 newest may not hold the drift.
        picture = screenshot.take(f"{stack.drift_url}/?nights=90", self.data / "dashboard.png")
        self._print(stack, counts, picture, outcomes)
        if json_file is not None:
            document = {
                "nights": [outcome.document() for outcome in outcomes],
                "proof": counts.document(),
                "stack": {name: stack.describe()[name] for name in ("predictor_url", "drift_url")},
                "screenshot": str(picture) if picture else None,
            }
            json_file.write_text(json.dumps(document, indent=2) + "\n")
        if self.keep:
            self._stay(stack)
        return counts.closed

    def _print(
        self, stack: Stack, counts: proof.Proof, picture: Path | None, outcomes: list[Outcome]
    ) -> None:
        say = self.console.print
        say(f"predictions answered {counts.answered} = rows logged {counts.rows_logged}")
        say(
            f"alerts fired {counts.alerts_fired} = messages received {counts.messages_received} "
            f"= retrain jobs {counts.retrain_jobs}"
        )
        if counts.alerts_by_labels:
            say(f"of the alerts {counts.alerts_by_labels} by labels: deadly photos were missed")
        if counts.skew_alerts:
            say(f"skew alerts {counts.skew_alerts} = received {counts.skew_alerts_received}")
        if counts.escalations:
            say(f"escalations {counts.escalations} = received {counts.escalations_received}")
        outside = sum(outcome.outside_window for outcome in outcomes)
        if outside:
            say(f"[yellow]{outside} answers fell into the following window and count there[/]")
        say("[bold green]the loop is closed[/]" if counts.closed else "[bold red]A GAP[/]")
        say(f"dashboard   {stack.drift_url}" + ("" if self.keep else "   (--keep leaves it up)"))
        say(f"screenshot  {picture or 'none: no Chromium on this machine'}", soft_wrap=True)
        say(f"log         {self.data / 'stack.log'}", soft_wrap=True)

    def _stay(self, stack: Stack) -> None:
        self.console.print(f"API key {stack.api_key}; Ctrl-C stops everything", soft_wrap=True)
        try:
            stack.watch()
        except KeyboardInterrupt:
            self.console.print("everything is stopped")

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        """A spinner while it lasts, a line with its seconds when it is done."""
        start = time.monotonic()
        with self.console.status(what):
            yield
        self.console.print(f"  {what}: {time.monotonic() - start:.0f} s", soft_wrap=True)
