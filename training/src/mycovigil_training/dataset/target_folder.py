"""The folder that curation writes to: whether it may, what is left of a cut run, what goes."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mycovigil_training.dataset import curated
from mycovigil_training.dataset.layout import CLASSES_FOLDER, UnknownLayout
from mycovigil_training.dataset.pictures.journal import FOLDER
from mycovigil_training.dataset.species import NOT_MUSHROOM

if TYPE_CHECKING:
    from mycovigil_training.dataset.curation import CurationOptions

RUN = "run.json"


def open_for(target: Path, source: Path, options: "CurationOptions") -> bool:
    """Make or re-open the folder; False if photos that a cut run with these options has stored
    are good.

    Raises:
        UnknownLayout: the folder is the source, or holds something that is no curation.
    """
    if target.resolve() == source.resolve() or target.resolve() in source.resolve().parents:
        raise UnknownLayout(f"{target} cannot be both the source and the curated folder")
    ours = curated.is_curated(target) or (target / FOLDER).is_dir()
    if target.exists() and any(target.iterdir()) and not ours:
        raise UnknownLayout(f"{target} is not empty and no curated folder: choose another")
    run = target / FOLDER / RUN
    order = json.dumps({"source": str(source.resolve()), **asdict(options)}, default=str)
    cut = not curated.is_curated(target) and run.is_file() and run.read_text() == order
    run.parent.mkdir(parents=True, exist_ok=True)
    (target / curated.REPORT).unlink(missing_ok=True)
    run.write_text(order)
    return not cut


def keep_only(target: Path, paths: Iterable[str]) -> None:
    """Delete photos of earlier runs, and folders that are empty then."""
    wanted = {target / path for path in paths}
    for part in (CLASSES_FOLDER, NOT_MUSHROOM):
        found = sorted((target / part).rglob("*"), reverse=True)
        for path in found:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            elif not path.is_dir() and path not in wanted:
                path.unlink()
