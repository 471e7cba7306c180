"""Every recipe on one folder: out of fold by specimen, by species, and on another's photos."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.decode import decode
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.pictures.fingerprint import MAX_PIXELS
from mycovigil_training.encoder.evaluate.baselines import colour_histogram
from mycovigil_training.evaluate.folds import TooFewGroups, grouped
from mycovigil_training.evaluate.measures import measures
from mycovigil_training.evaluate.not_mushroom import not_mushroom
from mycovigil_training.evaluate.recipes import Recipe, Rows, recipes
from mycovigil_training.features.engine import Engine
from mycovigil_training.progress import tracked
from mycovigil_training.training_data import TrainingData, gather

COLOUR_SIDE = 64


@dataclass(frozen=True, slots=True)
class Photos:
    """A folder's rows and, where it has one, their photos in the same order; ``judged`` (n,) are
    those that the encoder has not learned from, as are all of ``foreign`` (m, d), which are without
    a mushroom."""

    rows: Rows
    judged: NDArray[np.bool_]
    foreign: NDArray[np.float32]
    content_hash: str
    listed: tuple[CuratedPhoto, ...] = ()


def evaluate_folder(
    folder: Path,
    other: Path | None,
    encoder: str,
    config: TrainConfig,
    *,
    without: Path | None = None,
) -> dict[str, Any]:
    """Figures of every recipe, as JSON: ``models`` by name are out of fold by specimen.

    Args:
        folder: curated.
        other: curated photos of somebody else: each folder is judged by what learned from the
            other.
        without: curated photos without a mushroom, beside those of ``folder``.

    Raises:
        NotCurated: a folder is not.
        TooFewGroups: a class has photos of one specimen only.
    """
    engine = Engine(encoder)
    own = read_photos(folder, engine, config)
    chosen = recipes(config)
    theirs = read_photos(other, engine, config) if other else None
    foreign = own.foreign
    if without:
        foreign = np.concatenate([foreign, read_photos(without, engine, config).foreign])
    return {
        "encoder": f"{engine.identity.name} ({engine.identity.precision})",
        "onnx_digest": engine.identity.onnx_digest,
        "seed": config.seed,
        "data": {"folder": str(folder), "content_hash": own.content_hash},
        "chance": 1 / len(np.unique(own.rows.labels)),
        "learned_by_encoder": int((~own.judged).sum()),
        "models": judged_by_folds(own, chosen, own.rows.groups, config, "specimens"),
        "species_left_out": _by_species(own, chosen, config),
        "not_mushroom": not_mushroom(own.rows.take(own.judged), foreign, config),
        "from_other": _across(theirs, own, chosen, config) if theirs else None,
        "to_other": _across(own, theirs, chosen, config) if theirs else None,
    }


def read_photos(folder: Path, engine: Engine, config: TrainConfig) -> Photos:
    """Features and colours of a curated folder."""
    data = gather(folder, engine, config)
    table = data.table
    rows = Rows(table.features, _colours(data), table.labels, table.species, table.groups)
    judged, unseen = (
        ~np.asarray(engine.identity.learned_from(digests), np.bool_)
        for digests in (table.sha256.tolist(), data.foreign_sha256)
    )
    return Photos(rows, judged, data.foreign[unseen], data.content_hash, data.photos)


def out_of_fold(
    photos: Photos,
    recipe: Recipe,
    groups: NDArray[np.str_],
    config: TrainConfig,
    what: str,
) -> NDArray[np.float64]:
    """(n, 4) probabilities of every photo by a model that saw no photo of its group."""
    found = np.full((len(photos.rows), len(CLASSES)), np.nan)
    for learned, judged in grouped(photos.rows.labels, groups, seed=config.seed, what=what):
        found[judged] = recipe(photos.rows.take(learned), photos.rows.take(judged))
    return found


def judged_by_folds(
    photos: Photos,
    chosen: Mapping[str, Recipe],
    groups: NDArray[np.str_],
    config: TrainConfig,
    what: str,
) -> dict[str, Any]:
    """Figures of every recipe on the judged photos.

    Raises:
        TooFewGroups: a class has fewer than two ``what``, or no photo is left to judge on.
    """
    if not photos.judged.any():
        raise TooFewGroups("the encoder has learned from every photo: none is left to judge on")
    return {
        name: _measured(photos, out_of_fold(photos, recipe, groups, config, what), config)
        for name, recipe in tracked(list(chosen.items()), f"judging by {what}")
    }


def _by_species(
    photos: Photos, chosen: Mapping[str, Recipe], config: TrainConfig
) -> dict[str, Any] | None:
    """None where a class has a single species."""
    species = np.where(photos.rows.species == "", photos.rows.groups, photos.rows.species)
    try:
        return judged_by_folds(photos, chosen, species, config, "species")
    except TooFewGroups:
        return None


def _across(
    learned: Photos | None, judged: Photos | None, chosen: Mapping[str, Recipe], config: TrainConfig
) -> dict[str, Any]:
    assert learned is not None
    assert judged is not None
    return {
        name: _measured(judged, recipe(learned.rows, judged.rows), config)
        for name, recipe in chosen.items()
    }


def _measured(
    photos: Photos, probabilities: NDArray[np.float64], config: TrainConfig
) -> dict[str, Any]:
    rows = photos.rows.take(photos.judged)
    return measures(
        probabilities[photos.judged], rows.labels, rows.species, rows.groups, seed=config.seed
    )


def _colours(data: TrainingData) -> NDArray[np.float32]:
    """(n, 216) colour histograms of the photos as they are stored."""
    found = []
    for photo in tracked(data.photos, "measuring colours"):
        image = decode(
            (data.folder / photo.path).read_bytes(), size=COLOUR_SIDE, max_pixels=MAX_PIXELS
        )
        found.append(colour_histogram(image.pixels[np.newaxis])[0])
    return np.asarray(found, np.float32)
