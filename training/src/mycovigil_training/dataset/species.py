"""Species and class names as folders and manifests spell them, made one."""

import re
import unicodedata

from mycovigil.models.safety import CLASSES, SafetyClass

NOT_MUSHROOM = "not_mushroom"
UNKNOWN = "unknown"
# Rank of a class, deadly the highest; what is no safety class has none.
DANGER: dict[str, int] = {name.value: rank for rank, name in enumerate(CLASSES)}
# What stands between a species and its variety, and how it is written here.
RANKS = {
    "var": "var.",
    "variety": "var.",
    "f": "f.",
    "fo": "f.",
    "forma": "f.",
    "ssp": "subsp.",
    "subsp": "subsp.",
    "subspecies": "subsp.",
    "sp": "sp.",
    "spp": "sp.",
    "cf": "cf.",
    "aff": "aff.",
}
# "amanita phalloides (vaill. ex fr.) link": from the bracket on, the names of its authors.
AUTHORS = re.compile(r"(?<=\w\s)\(.*$")


def normalised(name: str) -> str:
    """``Amanita_phalloides, var. alba `` and ``amanita  phalloides var alba`` become one."""
    plain = unicodedata.normalize("NFKC", name).replace("_", " ").lower().strip()
    words = re.sub(r"[^\w.×-]+", " ", AUTHORS.sub("", plain)).split()
    return " ".join([*words[:1], *(RANKS.get(word.rstrip("."), word) for word in words[1:])])


def class_of(name: str) -> str | None:
    """The safety class (or ``not_mushroom``, ``unknown``) that a folder name means, if any."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    known = {member.value for member in SafetyClass} | {NOT_MUSHROOM, UNKNOWN}
    return plain if plain in known else None
