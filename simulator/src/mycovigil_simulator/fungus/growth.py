"""An individual: what age, luck and the weather made of its species' traits."""

from dataclasses import dataclass

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.colour import linear, vary
from mycovigil_simulator.fungus.sheet import Frame, Wobble, tilted
from mycovigil_simulator.taxon import Species
from mycovigil_simulator.traits import Form, Range


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One fruit body, measured (cm), coloured (linear RGB) and placed. Equal only to itself."""

    species: Species
    age: float
    cap_radius: float
    spread: float
    stem_length: float
    stem_radius: float
    bend: tuple[float, float]
    cap_centre: Array
    cap_margin: Array
    marks: Array
    under: Array
    stem_top: Array
    stem_base: Array
    stem_marks: Array
    wobble: Wobble
    variant: int
    shift: tuple[float, float]
    marked: float
    place: Frame
    head: Frame


def within(extremes: Range, rng: np.random.Generator) -> float:
    """A draw from a trait's range, most often from its middle."""
    return float(extremes[0] + (extremes[1] - extremes[0]) * rng.beta(2, 2))


def grow(
    species: Species,
    rng: np.random.Generator,
    *,
    age: float,
    base: tuple[float, float] = (0.0, 0.0),
    lean: tuple[float, float] = (0.0, 0.0),
    picked: bool = False,
) -> Body:
    """Draw one individual of a given age (0 a button, 1 past its best)."""
    cap, stem = species.cap, species.stem
    size = 0.72 + 0.38 * age
    radius = within(cap.radius, rng) * size
    centre, margin = cap.colours[rng.integers(len(cap.colours))]
    length = within(stem.length, rng) * (0.66 + 0.42 * age)
    bend = tuple(rng.normal(0, stem.bend, 2) * length * 0.35 + np.array(lean) * length)
    head_tilt = rng.normal(0, 0.09, 2) + np.array([-bend[1], bend[0]]) / length * 0.7
    tone = rng.normal(0, 0.1)
    younger, older = (linear(code) for code in species.hymenium.colours)
    turned = np.clip(age + rng.normal(0, 0.12), 0, 1)
    return Body(
        species=species,
        age=age,
        cap_radius=radius,
        spread=float(np.interp(age, [0, 1], cap.spread) + rng.normal(0, 4)),
        stem_length=length,
        stem_radius=within(stem.radius, rng) * (0.85 + 0.2 * age),
        bend=(float(bend[0]), float(bend[1])),
        cap_centre=vary(linear(centre) * np.exp(tone), rng),
        cap_margin=vary(linear(margin) * np.exp(tone), rng),
        marks=vary(linear(cap.marks), rng),
        under=vary(younger + (older - younger) * turned, rng),
        stem_top=vary(linear(stem.colours[0]), rng),
        stem_base=vary(linear(stem.colours[1]), rng),
        stem_marks=vary(linear(stem.marks), rng),
        wobble=_wobble(cap.wavy * (0.5 + age), rng),
        variant=int(rng.integers(4)),
        shift=(float(rng.uniform()), float(rng.uniform())),
        marked=float(np.clip(rng.normal(1, 0.25), 0.4, 1.6)),
        place=_place(base, rng, picked=picked, radius=radius, length=length),
        head=Frame(
            tilted(float(head_tilt[0]), float(head_tilt[1]), float(rng.uniform(0, 6.28))),
            np.array(
                [bend[0], bend[1], length if cap.form is not Form.BALL else length * 0.9],
                dtype=np.float32,
            ),
        ),
    )


def _wobble(amount: float, rng: np.random.Generator) -> Wobble:
    """Waves of a cap's edge, the long ones high: `amount` is a share of the radius."""
    waves = np.array([1, 2, 3, 4, 6, 9], np.float32)
    heights = amount / np.array([2.0, 1.5, 1.5, 2.0, 3.0, 5.0])
    radial, vertical = heights * rng.normal(0, 1, (2, len(waves))).clip(-1.5, 1.5)
    phases = rng.uniform(0, 6.2832, len(waves))
    return Wobble(
        waves,
        phases.astype(np.float32),
        radial.astype(np.float32),
        (0.9 * vertical).astype(np.float32),
    )


def _place(
    base: tuple[float, float],
    rng: np.random.Generator,
    *,
    picked: bool,
    radius: float,
    length: float,
) -> Frame:
    """Standing at `base`, or picked and laid on its side with the gills toward the camera."""
    if not picked:
        return Frame(np.eye(3, dtype=np.float32), np.array([*base, 0.0], np.float32))
    turn = rng.uniform(-0.7, 0.7)
    rotation = tilted(0, 0, turn) @ tilted(float(rng.uniform(-1.75, -1.5)), 0.0)
    origin = np.array([base[0], base[1] - 0.3 * length, radius * 0.62], np.float32)
    return Frame(rotation.astype(np.float32), origin)
