"""Tileable textures of 256 by 256, made once for each process and looked up by coordinates.

Every texture is a pure function of its name and variant, so pictures stay deterministic.
"""

from functools import lru_cache

import numpy as np

from mycovigil_simulator.arrays import Array

SIZE = 256
VARIANTS = 4


def sample(texture: Array, u: Array, v: Array) -> Array:
    """Texture values at (u, v), in tiles: [0, 1) is one tile, beyond it repeats."""
    column = (u * SIZE).astype(np.int32) & (SIZE - 1)
    row = (v * SIZE).astype(np.int32) & (SIZE - 1)
    values: Array = texture.ravel()[row * SIZE + column]
    return values


def _spectrum(seed: int, gain: Array) -> Array:
    """White noise shaped by a gain over frequencies, scaled to mean .5 and sd .2."""
    white = np.random.default_rng(seed).normal(size=(SIZE, SIZE))
    field = np.fft.irfft2(np.fft.rfft2(white) * gain, s=(SIZE, SIZE))
    field = (field - field.mean()) / field.std()
    return np.asarray(np.clip(0.5 + 0.2 * field, 0, 1), np.float32)


def _frequencies(stretch: float = 1.0) -> Array:
    """Radial frequency in cycles a tile; `stretch` > 1 makes streaks along v."""
    rows = np.fft.fftfreq(SIZE, 1 / SIZE)[:, None] * stretch
    columns = np.fft.rfftfreq(SIZE, 1 / SIZE)[None, :]
    return np.asarray(np.hypot(rows, columns), np.float32)


@lru_cache(maxsize=32)
def cloud(variant: int = 0, power: float = 1.4) -> Array:
    """Fractal noise with amplitude ∝ frequency^-power."""
    frequency = _frequencies()
    frequency[0, 0] = np.inf
    return _spectrum(variant + 11, frequency**-power)


@lru_cache(maxsize=8)
def streaks(variant: int = 0) -> Array:
    """Fine fibres along v."""
    frequency = _frequencies(stretch=14.0)
    return _spectrum(variant + 31, np.exp(-(((frequency - 34) / 26) ** 2)))


@lru_cache(maxsize=8)
def folds(variant: int = 0) -> Array:
    """Winding folds, as on a brain: 0 in the creases, 1 on the ridges."""
    frequency = _frequencies()
    field = _spectrum(variant + 51, np.exp(-(((frequency - 7) / 2.2) ** 2)))
    return np.asarray(np.clip(np.abs(field - 0.5) * 4.2, 0, 1), np.float32)


@lru_cache(maxsize=64)
def cells(variant: int = 0, count: int = 48) -> tuple[Array, Array, Array]:
    """Worley noise: distance to the nearest point, to the border between two cells, cell value.

    Distances are in mean cell widths.
    """
    rng = np.random.default_rng(variant + 71)
    side = round(count**0.5)
    lattice = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    points = ((lattice + rng.uniform(0.08, 0.92, lattice.shape)) / side).astype(np.float32)
    line = (np.arange(SIZE, dtype=np.float32) + 0.5) / SIZE
    first = np.full((SIZE, SIZE), 9.0, np.float32)
    second = first.copy()
    owner = np.zeros((SIZE, SIZE), np.int32)
    for index, (x, y) in enumerate(points):
        across = np.abs(line - x)
        down = np.abs(line - y)
        across = np.minimum(across, 1 - across)
        down = np.minimum(down, 1 - down)
        distance = np.hypot(down[:, None], across[None, :]) * side
        nearer = distance < first
        second = np.where(nearer, first, np.minimum(second, distance))
        first = np.where(nearer, distance, first)
        owner[nearer] = index
    value = rng.uniform(size=len(points)).astype(np.float32)[owner]
    return first, second - first, value
