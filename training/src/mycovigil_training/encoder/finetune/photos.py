"""The photos to fine-tune on, decoded once into a file that is mapped into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.encoder.identity import file_digest
from mycovigil_training.encoder.evaluate.holdout import held_out
from mycovigil_training.encoder.pretrain.photographs import (
    Listed,
    Photographs,
    joined,
    read_listing,
    squashed,
)
from mycovigil_training.encoder.pretrain.rendered import render_photographs

FACTS = ("aspect", "species", "safety_class", "group", "collection", "rendered", "caption")


class NothingToTrainOn(ValueError):
    """Neither photo folders nor rendered photos were asked for."""


def training_rows(split: Sequence[Path], whole: Sequence[Path]) -> list[tuple[Path, Listed]]:
    """Folder and photo of every real photo to train on.

    Args:
        split: Folders of which the held-out quarter is left out.
        whole: Folders that are trained on as they are.
    """
    rows: list[tuple[Path, Listed]] = []
    for folder in split:
        listed = read_listing(folder)
        held = held_out([row.group for row in listed])
        rows += [(folder, row) for row, out in zip(listed, held, strict=True) if not out]
    return rows + [(folder, row) for folder in whole for row in read_listing(folder)]


def decoded(
    rows: Sequence[tuple[Path, Listed]], rendered: int, side: int, cache: Path
) -> Photographs:
    """Real and `rendered` drawn photos, their pixels mapped from `cache`.

    A second call with the same photos decodes nothing.

    Raises:
        NothingToTrainOn: Neither of the two.
    """
    if not rows and not rendered:
        raise NothingToTrainOn("give --photos FOLDER, --whole FOLDER or --rendered N")
    cache.mkdir(parents=True, exist_ok=True)
    stem = cache / f"photos-{_key(rows, rendered, side)}"
    pixels, facts = stem.with_suffix(".npy"), stem.with_suffix(".npz")
    if not facts.exists():
        photos = _decode(rows, rendered, side)
        np.save(pixels, photos.pixels)
        part = stem.with_suffix(".part.npz")
        np.savez(part, **{name: np.asarray(getattr(photos, name)) for name in FACTS})  # type: ignore[arg-type]
        part.replace(facts)  # last: where it stands, the pixels are whole
    return _mapped(pixels, facts)


def digests(rows: Sequence[tuple[Path, Listed]]) -> list[str]:
    """sha256 of every real photo that is trained on."""
    return [file_digest(row.path) for _, row in rows]


def _key(rows: Sequence[tuple[Path, Listed]], rendered: int, side: int) -> str:
    digest = hashlib.sha256(f"{rendered} {side}\n".encode())
    for folder, row in rows:
        size = row.path.stat().st_size
        digest.update(f"{folder} {row.path} {size} {row.species} {row.safety_class}\n".encode())
    return digest.hexdigest()[:16]


def _decode(rows: Sequence[tuple[Path, Listed]], rendered: int, side: int) -> Photographs:
    parts = []
    if rows:
        parts.append(_real(rows, side))
    if rendered:
        parts.append(render_photographs(rendered, lambda _: None, side=side))
    return joined(parts)


def _real(rows: Sequence[tuple[Path, Listed]], side: int) -> Photographs:
    pixels = np.empty((len(rows), side, side, 3), dtype=np.uint8)
    aspect = np.empty(len(rows), dtype=np.float32)
    for i, (_, row) in enumerate(rows):
        pixels[i], aspect[i] = squashed(row.path, side)
    return Photographs(
        pixels,
        aspect,
        tuple(row.species for _, row in rows),
        tuple(row.safety_class for _, row in rows),
        tuple(row.group for _, row in rows),
        tuple(str(folder) for folder, _ in rows),
        np.zeros(len(rows), dtype=np.bool_),
        ("",) * len(rows),
    )


def _mapped(pixels: Path, facts: Path) -> Photographs:
    with np.load(facts, allow_pickle=False) as file:
        columns = {name: file[name] for name in FACTS}
    texts = {
        name: tuple(columns[name].tolist())
        for name in ("species", "safety_class", "group", "collection", "caption")
    }
    mapped: NDArray[np.uint8] = np.load(pixels, mmap_mode="c")  # torch wants it writable
    return Photographs(
        pixels=mapped, aspect=columns["aspect"], rendered=columns["rendered"], **texts
    )
