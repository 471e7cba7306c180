"""Colour: light adds up in linear RGB, pictures are stored in sRGB (gamma 2.2)."""

from functools import lru_cache

import numpy as np

from mycovigil_simulator.arrays import Array, Image

GAMMA = 2.2
KNEE = 0.55  # linear intensity above which highlights are compressed


@lru_cache(maxsize=512)
def linear(code: str) -> Array:
    """`#rrggbb` as three linear intensities in [0, 1]."""
    srgb = np.array([int(code[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.float32) / 255
    colour = (srgb**GAMMA).astype(np.float32)
    colour.setflags(write=False)
    return colour


@lru_cache(maxsize=1)
def encoding() -> Image:
    """Lookup table from linear intensity in 1/2048 (0 to 2) to an sRGB byte, with a shoulder."""
    light = np.arange(4096) / 2048
    shoulder = KNEE + (1 - KNEE) * (1 - np.exp(-(light - KNEE) / (1 - KNEE)))
    shown = np.where(light < KNEE, light, shoulder)
    return (255 * shown ** (1 / GAMMA) + 0.5).astype(np.uint8)


def encode(light: Array) -> Image:
    """Linear intensities, any shape, to sRGB bytes; highlights roll off softly."""
    steps = np.clip(light * 2048, 0, 4095).astype(np.int16)
    coded: Image = encoding()[steps]
    return coded


def vary(colour: Array, rng: np.random.Generator, spread: float = 0.06) -> Array:
    """One specimen's version of a colour: brightness and hue wander a little."""
    gain = np.exp(rng.normal(0, spread) + rng.normal(0, spread / 3, size=3))
    return np.clip(colour * gain, 0, 1).astype(np.float32)


def mix(first: Array, second: Array, share: Array) -> Array:
    """(n, 3) colours between two colours, or two sets, by (n,) shares of the second."""
    return first + (second - first) * share[:, None]


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, a smooth step between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
