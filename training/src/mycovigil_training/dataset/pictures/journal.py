"""What curation has seen so far, on disk: one line a photo, and its look in a second file."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mycovigil_training.dataset.pictures.fingerprint import LOOK, LOOK_BYTES, Fingerprint

FOLDER = ".curation"
# Changes when what is seen of a photo does.
VERSION = 1
NOTHING = bytes(LOOK_BYTES)

# What was seen of a photo and the place of its look, or why it cannot be read.
Seen = tuple[Fingerprint, int] | str


class Journal:
    """Appended to as photos are looked at; a line that was cut off, and what follows, is made
    anew. A photo is known by its name, size and time of change."""

    def __init__(self, folder: Path) -> None:
        """Open the journal of a curated folder, or begin one.

        Raises:
            OSError: it cannot be written.
        """
        home = folder / FOLDER
        home.mkdir(parents=True, exist_ok=True)
        self._path, self._looks_path = home / f"seen-{VERSION}.jsonl", home / f"looks-{VERSION}.bin"
        self._known: dict[str, Seen] = {}
        self._rows = self._load()
        self._lines = self._path.open("a", encoding="utf-8")
        self._looks = self._looks_path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._looks.close()
        self._lines.close()

    def get(self, name: str, path: Path) -> Seen | None:
        """What was seen of a photo, if anything was."""
        return self._known.get(_key(name, path))

    def add(self, name: str, path: Path, outcome: Fingerprint | str) -> Seen:
        """Keep what was seen of a photo, or why it cannot be decoded."""
        self._looks.write(NOTHING if isinstance(outcome, str) else outcome.look)
        self._looks.flush()
        key = _key(name, path)
        self._lines.write(json.dumps({"key": key, **_plain(outcome)}) + "\n")
        self._lines.flush()
        self._known[key] = _kept(outcome, self._rows)
        self._rows += 1
        return self._known[key]

    def looks(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(n, 64, 64, 3) looks of photos, read from disk."""
        file = np.memmap(self._looks_path, np.uint8, "r", shape=(self._rows, LOOK, LOOK, 3))
        return np.asarray(file[places])

    def _load(self) -> int:
        """Read the lines that are whole, and cut both files behind them; the number of lines."""
        if not self._path.is_file():
            self._looks_path.unlink(missing_ok=True)
            return 0
        looks = self._looks_path.stat().st_size // LOOK_BYTES if self._looks_path.is_file() else 0
        rows = end = 0
        with self._path.open("rb") as stream:
            for line in stream:
                if rows == looks or not self._read(line, rows):
                    break
                rows, end = rows + 1, end + len(line)
        os.truncate(self._path, end)
        if looks:
            os.truncate(self._looks_path, rows * LOOK_BYTES)
        return rows

    def _read(self, line: bytes, row: int) -> bool:
        """Take a line in; False for one that is not whole."""
        try:
            entry: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
            key = entry.pop("key")
            outcome = entry.get("wrong") or Fingerprint(
                **{**entry, "picture": bytes.fromhex(entry["picture"]), "look": b""}
            )
        except (ValueError, KeyError, TypeError):
            return False
        self._known[key] = _kept(outcome, row)
        return True


def _kept(outcome: Fingerprint | str, row: int) -> Seen:
    """A look stays on disk."""
    return outcome if isinstance(outcome, str) else (replace(outcome, look=b""), row)


def _plain(outcome: Fingerprint | str) -> dict[str, Any]:
    if isinstance(outcome, str):
        return {"wrong": outcome or "it cannot be read"}
    return {**asdict(outcome), "picture": outcome.picture.hex(), "look": ""}


def _key(name: str, path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return name
    return f"{name}|{found.st_size}|{found.st_mtime_ns}"
