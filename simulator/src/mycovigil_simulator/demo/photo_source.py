"""Where the demo's photos come from: the simulator, or a folder of real ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mycovigil_simulator.demo.story import Night


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo as an app would send it, and the truth that only its finder knows."""

    jpeg: bytes
    species: str
    safety_class: str
    session: str


class PhotoSource(Protocol):
    """Reference photos to train on, and traffic that the training has never seen."""

    def describe(self) -> str:
        """One line for the terminal."""

    def dataset(self) -> Path:
        """The folder to train on, in the Kaggle layout; made if needed."""

    def traffic(self, night: Night, number: int) -> list[Shot]:
        """The photos of a night."""

    def close(self) -> None:
        """Stop what makes the photos."""
