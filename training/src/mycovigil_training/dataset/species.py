"""Species and class names as folders and manifests spell them, made one."""

import re
import unicodedata

from mycovigil.models.safety import CLASSES, SafetyClass

NOT_MUSHROOM = "not_mushroom"
UNKNOWN = "unknown"
# Rank of a class, deadly the highest; what is no safety class has none.
DANGER: dict[str, int] = {name.value: rank for rank, name in enumerate(CLASSES)}


def normalised(name: str) -> str:
    """``Amanita_phalloides `` and ``amanita  phalloides`` become ``amanita phalloides``."""
    plain = unicodedata.normalize("NFKC", name).replace("_", " ").lower()
    return re.sub(r"[^\w .×-]+|\s+", " ", plain).strip()


def class_of(name: str) -> str | None:
    """The safety class (or ``not_mushroom``, ``unknown``) that a folder name means, if any."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    known = {member.value for member in SafetyClass} | {NOT_MUSHROOM, UNKNOWN}
    return plain if plain in known else None
