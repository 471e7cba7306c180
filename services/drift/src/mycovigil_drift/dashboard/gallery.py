"""Photos of a gallery as a page shows them: with an address where they were kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mycovigil.storage import Storage

KEPT = re.compile(r"photos/[0-9a-f]{2}/([0-9a-f]{64})\.jpg")


@dataclass(frozen=True, slots=True)
class Photo:
    """``address`` is empty where the photo was not kept, or has been deleted since."""

    address: str | None
    label: str | None
    species: str | None = None


@dataclass(frozen=True, slots=True)
class Responsible:
    """A photo of the night, how foreign it is (0 to 1), and its nearest of the reference."""

    photo: Photo
    score: float
    prediction_id: str
    neighbours: list[Photo]


def shown(storage: Storage, gallery: Sequence[dict[str, Any]]) -> list[Responsible]:
    """The gallery of a report."""
    return [
        Responsible(
            photo=_photo(storage, item),
            score=item["score"],
            prediction_id=item["prediction_id"],
            neighbours=[_photo(storage, found) for found in item["neighbours"]],
        )
        for item in gallery
    ]


def _photo(storage: Storage, item: dict[str, Any]) -> Photo:
    key = item.get("image_key")
    digest = KEPT.fullmatch(key) if key else None
    kept = digest is not None and storage.exists(str(key))
    address = f"/v1/photos/{digest[1]}" if digest and kept else None
    return Photo(address, item.get("label"), item.get("species"))
