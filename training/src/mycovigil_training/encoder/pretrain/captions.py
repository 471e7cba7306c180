"""Captions of a photo at four levels, and the word vocabulary that the text tower reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MUSHROOM, OTHER = "photo of a mushroom", "photo without any mushroom"
LEVELS = ("species", "genus", "safety", "mushroom")
SAFETY_CLASSES = ("edible", "conditionally_edible", "poisonous", "deadly")
PADDING, UNKNOWN = 0, 1
CONTEXT = 40  # words a caption; the simulator's longest has some 35


def captions_of(species: str, safety_class: str, *, rendered: bool) -> dict[str, str]:
    """Caption a photo at every level that is known of it.

    A photo without a mushroom (`safety_class == "not_mushroom"`) has the mushroom level alone. A
    rendered photo of a species is captioned apart from real ones, so that the simulator's idea of
    a species never claims to be the species.
    """
    if safety_class == "not_mushroom":
        return {"mushroom": OTHER}
    name = species.lower().replace("_", " ").split()
    kind = "rendering" if rendered else "photo"
    captions = {
        "species": f"{kind} of {' '.join(name)}",
        "genus": f"mushroom of genus {name[0]}",
        "mushroom": MUSHROOM,
    }
    if safety_class in SAFETY_CLASSES:
        captions["safety"] = f"a {safety_class.replace('_', ' ')} mushroom"
    return captions


def words_of(caption: str) -> list[str]:
    """Lower-case words without punctuation."""
    return re.findall(r"[^\W_]+", caption.lower())


@dataclass(frozen=True)
class Vocabulary:
    """Known words in order; a word's token is its place plus two, after padding and unknown."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, captions: Sequence[str]) -> Vocabulary:
        """The sorted words of `captions`."""
        return cls(tuple(sorted({word for caption in captions for word in words_of(caption)})))

    @property
    def size(self) -> int:
        """Number of tokens, padding and unknown included."""
        return len(self.words) + 2

    def tokens(self, captions: Sequence[str]) -> NDArray[np.int64]:
        """Token matrix `(len(captions), longest)`, padded with zeros, cut at CONTEXT words."""
        place = {word: token for token, word in enumerate(self.words, start=2)}
        split = [words_of(caption)[:CONTEXT] for caption in captions]
        longest = max((len(words) for words in split), default=0)
        rows = np.full((len(captions), max(longest, 1)), PADDING, dtype=np.int64)
        for row, words in zip(rows, split, strict=True):
            row[: len(words)] = [place.get(word, UNKNOWN) for word in words]
        return rows


@dataclass(frozen=True)
class CaptionSet:
    """The distinct captions of every level, and which of them each photo has (-1: none)."""

    texts: dict[str, list[str]]
    index: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, captioned: list[dict[str, str]]) -> CaptionSet:
        """Collect the captions of photos, one mapping from level to caption each."""
        texts = {
            level: sorted({photo[level] for photo in captioned if level in photo})
            for level in LEVELS
        }
        place = {level: {text: i for i, text in enumerate(texts[level])} for level in LEVELS}
        index = {
            level: np.array(
                [place[level].get(photo.get(level, ""), -1) for photo in captioned], dtype=np.int64
            )
            for level in LEVELS
        }
        return cls(texts, index)

    def class_weights(self, level: str) -> NDArray[np.float32]:
        """Inverse square root of each caption's count, with mean 1."""
        index = self.index[level]
        counts = np.bincount(index[index >= 0], minlength=len(self.texts[level]))
        weights = 1.0 / np.sqrt(np.maximum(counts, 1))
        return np.asarray(weights / max(weights.mean(), 1e-12), dtype=np.float32)
