"""The gallery of a report: the photos least like the reference, and their nearest photos."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

STORED = re.compile(r"photos/[0-9a-f]{2}/([0-9a-f]{64})\.jpg")


@dataclass(frozen=True, slots=True)
class Photo:
    """``address``: empty if the photo was never stored. Storage is not asked whether it was deleted
    since: its address then answers with a placeholder."""

    address: str | None
    label: str | None
    species: str | None = None


@dataclass(frozen=True, slots=True)
class GalleryItem:
    """A photo of the night, ``score``: its distance from the reference in standard deviations, and
    the nearest photos of the reference."""

    photo: Photo
    score: float
    prediction_id: str
    neighbours: list[Photo]


def items(gallery: Sequence[dict[str, Any]]) -> list[GalleryItem]:
    """From the document ``gallery`` of a report."""
    return [
        GalleryItem(
            photo=photo_of(item),
            score=item["score"],
            prediction_id=item["prediction_id"],
            neighbours=[photo_of(found) for found in item["neighbours"]],
        )
        for item in gallery
    ]


def photo_of(item: dict[str, Any]) -> Photo:
    """From a document with ``image_key``, ``label`` and ``species``, all optional."""
    digest = STORED.fullmatch(item.get("image_key") or "")
    address = f"/photos/{digest[1]}" if digest else None
    return Photo(address, item.get("label"), item.get("species"))
