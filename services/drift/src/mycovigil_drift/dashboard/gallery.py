"""Photos of a gallery as a page shows them; a deleted one shows a tile that says so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

KEPT = re.compile(r"photos/[0-9a-f]{2}/([0-9a-f]{64})\.jpg")


@dataclass(frozen=True, slots=True)
class Photo:
    """``address`` is empty where the photo was never kept; whether it still is, the address
    itself tells, so that a page asks storage for nothing."""

    address: str | None
    label: str | None
    species: str | None = None


@dataclass(frozen=True, slots=True)
class Responsible:
    """A photo of the night, how foreign it is (in standard deviations of the reference), and the
    nearest photos of the reference."""

    photo: Photo
    score: float
    prediction_id: str
    neighbours: list[Photo]


def shown(gallery: Sequence[dict[str, Any]]) -> list[Responsible]:
    """The gallery of a report."""
    return [
        Responsible(
            photo=photo_of(item),
            score=item["score"],
            prediction_id=item["prediction_id"],
            neighbours=[photo_of(found) for found in item["neighbours"]],
        )
        for item in gallery
    ]


def photo_of(item: dict[str, Any]) -> Photo:
    """A photo by its document: ``image_key``, ``label``, ``species``."""
    digest = KEPT.fullmatch(item.get("image_key") or "")
    address = f"/photos/{digest[1]}" if digest else None
    return Photo(address, item.get("label"), item.get("species"))
