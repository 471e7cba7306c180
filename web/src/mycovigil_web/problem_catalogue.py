"""Every problem type of both services: one spelling of each slug, what it means, what to do."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mycovigil.problem import TYPE_PREFIX

FILE = Path(__file__).with_name("problem_catalogue.toml")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """``statuses`` are all that the type is answered with."""

    slug: str
    title: str
    statuses: tuple[int, ...]
    meaning: str
    remedy: str

    @property
    def url(self) -> str:
        return TYPE_PREFIX + self.slug


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``deprecated`` maps replaced spellings to those that replaced them."""

    types: dict[str, ProblemType]
    deprecated: dict[str, str]

    def find(self, slug: str) -> ProblemType | None:
        """The type that ``slug`` names, also by a spelling that was replaced."""
        return self.types.get(self.deprecated.get(slug, slug))


@cache
def catalogue() -> Catalogue:
    """The packaged catalogue, read once."""
    found = tomllib.loads(FILE.read_text())
    types = {
        slug: ProblemType(slug, one["title"], tuple(one["statuses"]), one["meaning"], one["remedy"])
        for slug, one in found["types"].items()
    }
    return Catalogue(types, found["deprecated"])
