"""Sun and sky, and how a surface answers them."""

from dataclasses import dataclass

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.colour import smoothstep

BOUNCE = np.array([1.12, 1.0, 0.78], np.float32)  # light from leaves and soil is warm


@dataclass(frozen=True, slots=True)
class Light:
    """`direction` points to the sun. Colours are linear RGB; `softness` blurs shadows (0 to 1)."""

    direction: Array
    sun: Array
    sky: Array
    softness: float


@dataclass(frozen=True, slots=True)
class Shade:
    """A cap seen as a disc that keeps the sun from what is below it (cm)."""

    centre: Array
    radius: float


def draw_light(rng: np.random.Generator) -> Light:
    """Anything from an overcast wood to low sun in a clearing."""
    height = np.radians(rng.uniform(28, 75))
    azimuth = rng.uniform(-2.6, 0.6)  # mostly from the side and from behind the camera
    direction = np.array(
        [
            np.cos(azimuth) * np.cos(height),
            np.sin(azimuth) * np.cos(height),
            np.sin(height),
        ]
    )
    softness = rng.uniform()
    strength = 0.82 - 0.46 * softness
    warmth = rng.normal(0.05, 0.05) * (1 - 0.5 * softness)
    sun = strength * np.array([1 + warmth, 1.0, 1 - 1.6 * warmth])
    sky = (0.30 + 0.30 * softness) * np.array([1.0, 1.0, 0.98]) * rng.uniform(0.9, 1.1)
    return Light(
        direction.astype(np.float32), sun.astype(np.float32), sky.astype(np.float32), softness
    )


def sunlit(position: Array, light: Light, shades: list[Shade]) -> Array:
    """Share of the sun, (n,), that passes the caps above (3, n) positions."""
    share = np.ones(position.shape[1], np.float32)
    soft = 0.06 + 0.3 * light.softness
    for shade in shades:
        below = np.flatnonzero(position[2] < shade.centre[2])
        if not below.size:
            continue
        x, y, z = position[:, below]
        gap = (shade.centre[2] - z) / light.direction[2]
        across = x + light.direction[0] * gap - shade.centre[0]
        along = y + light.direction[1] * gap - shade.centre[1]
        edge = np.sqrt(across * across + along * along) / shade.radius
        share[below] *= smoothstep(1 - soft, 1 + soft, edge)
    return share


def reflect(
    albedo: Array,
    normal: Array,
    toward_eye: Array,
    light: Light,
    *,
    lit: Array,
    open_sky: Array | float,
    gloss: float,
) -> Array:
    """Light sent to the eye, (n, 3): wrapped Lambert, sky from above, soft Blinn highlight."""
    facing = light.direction @ normal
    direct = np.clip((facing + 0.18) / 1.18, 0, 1) * lit
    ambient = (0.70 + 0.30 * normal[2]) * open_sky
    bounce = 0.30 * np.clip(0.7 - normal[2], 0, 1.2) * (0.4 + 0.6 * open_sky)
    shone = albedo * (
        direct[:, None] * light.sun
        + ambient[:, None] * light.sky
        + bounce[:, None] * (light.sky + 0.35 * light.sun) * BOUNCE
    )
    if gloss > 0:
        half = toward_eye + light.direction[:, None]
        half /= np.sqrt(np.einsum("ij,ij->j", half, half))
        glint = np.clip(np.einsum("ij,ij->j", half, normal), 0, 1) ** (12 + 40 * gloss)
        shone += (0.5 * gloss * glint * lit)[:, None] * light.sun
    return np.asarray(shone, np.float32)
