"""Captions in plain English for the contrastive training of the encoder."""

import numpy as np

from mycovigil_simulator.taxon import Species
from mycovigil_simulator.traits import Form, Ground, Ring, Volva

OPENINGS = ("a photo of", "a picture of", "a close-up of", "a field photo of", "")
DANGER = {
    "edible": ("an edible mushroom", "an edible fungus"),
    "conditionally_edible": (
        "a conditionally edible mushroom",
        "a mushroom edible only after preparation",
    ),
    "poisonous": ("a poisonous mushroom", "a toxic mushroom"),
    "deadly": ("a deadly mushroom", "a deadly poisonous mushroom"),
}


def describe(species: Species, rng: np.random.Generator, ground: Ground | None = None) -> str:
    """Name, danger, two to five traits and the ground. Same generator state, same caption."""
    opening = OPENINGS[rng.integers(len(OPENINGS))]
    danger = DANGER[species.safety_class][rng.integers(2)]
    features = traits(species)
    size = rng.integers(min(2, len(features)), len(features) + 1)
    chosen = sorted(rng.choice(len(features), size=size, replace=False))
    place = ground or species.grounds[rng.integers(len(species.grounds))]
    where = "on" if place in {Ground.WOOD, Ground.SOIL} else "in"
    listed = enumerate_words([features[index] for index in chosen])
    caption = f"{opening} {species.latin}, {danger} with {listed}, {where} {place.value}"
    return caption.strip()


def traits(species: Species) -> list[str]:
    """The traits of a species as noun phrases."""
    phrases = [f"{article(species.cap.words)} {species.cap.words}", species.hymenium.words]
    phrases.append(f"{article(species.stem.words)} {species.stem.words}")
    if species.veil.ring is not Ring.NONE:
        phrases.append("a ring" if species.veil.ring is Ring.SKIRT else "a faint ring zone")
    if species.veil.volva is not Volva.NONE:
        phrases.append("a volva" if species.veil.volva is Volva.SAC else "a collared bulb")
    if species.cap.form is Form.BALL:
        phrases = phrases[:2]
    return [phrase for phrase in phrases if phrase]


def article(words: str) -> str:
    """The indefinite article for a phrase."""
    return "an" if words[0].lower() in "aeiou" else "a"


def enumerate_words(phrases: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(phrases) == 1:
        return phrases[0]
    return ", ".join(phrases[:-1]) + " and " + phrases[-1]
