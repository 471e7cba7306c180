"""What a mushroom of one species looks like: the parts that a field guide describes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

SafetyClass = Literal["edible", "conditionally_edible", "poisonous", "deadly"]
SAFETY_CLASSES: tuple[SafetyClass, ...] = (
    "edible",
    "conditionally_edible",
    "poisonous",
    "deadly",
)
Range = tuple[float, float]


class Ground(StrEnum):
    """What the mushroom grows on."""

    LEAVES = "leaf litter"
    NEEDLES = "pine needles"
    MOSS = "moss"
    GRASS = "grass"
    SOIL = "bare soil"
    WOOD = "rotting wood"


class Form(StrEnum):
    """The body plan of the cap."""

    CAP = "cap"
    HONEYCOMB = "honeycomb"
    BRAIN = "brain"
    BALL = "ball"


class Skin(StrEnum):
    """The relief and pattern of the cap's surface."""

    SMOOTH = "smooth"
    FIBROUS = "fibrous"
    SCALY = "scaly"
    WARTY = "warty"
    CRACKED = "cracked"
    SPINY = "spiny"


class Fertile(StrEnum):
    """The spore-bearing surface under the cap."""

    GILLS = "gills"
    PORES = "pores"
    RIDGES = "ridges"
    NONE = "none"


class Pattern(StrEnum):
    """The pattern on the stem."""

    PLAIN = "plain"
    FIBRES = "fibres"
    NET = "net"
    SNAKE = "snakeskin"
    SCALES = "scales"
    BANDS = "bands"


class Ring(StrEnum):
    """What the partial veil left on the stem."""

    NONE = "none"
    SKIRT = "skirt"
    ZONE = "zone"


class Volva(StrEnum):
    """What the universal veil left at the base."""

    NONE = "none"
    SAC = "sac"
    COLLAR = "collar"


@dataclass(frozen=True, slots=True)
class Cap:
    """Lengths in cm, colours as sRGB hex; `spread` is the half angle in degrees, young to old."""

    words: str
    colours: tuple[tuple[str, str], ...]  # (centre, margin), one pair drawn for each specimen
    radius: Range
    spread: Range = (85.0, 40.0)
    form: Form = Form.CAP
    blend: Range = (0.1, 0.9)  # where on the way to the margin its colour takes over
    cone: float = 0.0
    umbo: float = 0.0
    dip: float = 0.0
    tall: float = 1.0  # stretches the height
    wavy: float = 0.03
    striate: float = 0.0
    gloss: float = 0.1
    skin: Skin = Skin.SMOOTH
    marks: str = "#ffffff"  # colour of warts, scales or cracks
    coverage: float = 0.5  # how much of the skin the marks take
    mark_size: float = 1.0


@dataclass(frozen=True, slots=True)
class Hymenium:
    """The underside. `decurrent` is how far it runs down the stem, in cap radii."""

    words: str
    colours: tuple[str, str]  # young, old
    kind: Fertile = Fertile.GILLS
    count: int = 56
    decurrent: float = 0.0


@dataclass(frozen=True, slots=True)
class Stem:
    """Lengths in cm; `bulb` is the swelling at the base in stem radii."""

    words: str
    colours: tuple[str, str]  # top, base
    length: Range
    radius: Range
    bulb: float = 0.0
    belly: float = 0.0
    taper: float = 0.1
    bend: float = 0.1
    pattern: Pattern = Pattern.PLAIN
    marks: str = "#000000"


@dataclass(frozen=True, slots=True)
class Veil:
    """Ring and volva."""

    ring: Ring = Ring.NONE
    ring_colour: str = "#f4f0e2"
    volva: Volva = Volva.NONE
    volva_colour: str = "#f1eee4"


NO_VEIL = Veil()
