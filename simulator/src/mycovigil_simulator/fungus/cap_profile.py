"""Profiles of caps: (radius, height) knots in cm, the rim at height 0."""

from functools import lru_cache

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.traits import Fertile, Form

KNOTS = 48


@lru_cache(maxsize=32)
def upper(body: Body) -> tuple[Array, Array]:
    """From the centre of the cap to its rim (for a ball or a morel: all the way down)."""
    s = np.linspace(0, 1, KNOTS)
    cap = body.species.cap
    if cap.form is Form.CAP:
        return _dome(body, s)
    radius, height = _closed(cap.form, s)
    return (
        (radius * body.cap_radius).astype(np.float32),
        (height * body.cap_radius * cap.tall).astype(np.float32),
    )


def _closed(form: Form, s: Array) -> tuple[Array, Array]:
    """Unit profiles of the heads that have no free rim."""
    turn = np.pi * s
    if form is Form.HONEYCOMB:
        return np.sin(turn * 0.93) ** 0.8 * (1 + 0.12 * s), 1 + np.cos(turn * 0.95) - 0.1
    if form is Form.BALL:
        neck = 1 - 0.22 * np.clip(s - 0.55, 0, 1) / 0.45
        return np.sin(turn * 0.87) ** 0.9 * neck, 0.72 + 0.92 * np.cos(turn * 0.93)
    return np.sin(turn * 0.965) ** 0.65, 0.6 + 0.9 * np.cos(turn * 0.95)


def _dome(body: Body, s: Array) -> tuple[Array, Array]:
    """A circular arc of the body's half angle, made conical, umbonate or depressed."""
    cap = body.species.cap
    spread = np.radians(np.clip(body.spread, 10, 118))
    radius = np.sin(s * spread)
    height = np.cos(s * spread) - np.cos(spread)
    widest = radius.max()
    radius, height = radius / widest, height / widest * cap.tall
    peak = height[0]
    cone = (0.25 + 0.75 * peak) * (1 - s) ** 1.1
    radius = radius + cap.cone * (s - radius) * 0.6
    height = height + cap.cone * (cone - height)
    height = height + cap.umbo * (0.5 + 0.5 * body.age) * np.exp(-((radius / 0.24) ** 2))
    hollow = cap.dip * (0.25 + 0.85 * body.age)
    height = height - hollow * np.exp(-((radius / 0.55) ** 2))
    height -= height[-1]
    radius = np.maximum(radius, 0)
    return (
        (radius * body.cap_radius).astype(np.float32),
        (height * body.cap_radius).astype(np.float32),
    )


@lru_cache(maxsize=32)
def lower(body: Body) -> tuple[Array, Array]:
    """From the rim in and up, or down, to the stem."""
    hymenium = body.species.hymenium
    r_top, z_top = upper(body)
    rim, thick = float(r_top[-1]), float(z_top[0] - z_top[-1])
    neck = 1 - 0.5 * body.species.stem.taper  # as wide as the stem is at its top
    inner = min(body.stem_radius * neck, 0.8 * rim)
    s = np.linspace(0, 1, KNOTS // 2)
    radius = rim + (inner - rim) * s
    if hymenium.decurrent > 0:
        depth = -hymenium.decurrent * body.cap_radius * (0.35 + 0.5 * body.age)
        height = depth * s**2.2
        radius = rim + (inner - rim) * s**0.72
    elif hymenium.kind is Fertile.PORES:
        height = -0.1 * body.cap_radius * np.sin(np.pi * s**0.7) + 0.12 * thick * s
    else:
        height = max(0.42 * thick, 0.03) * np.sin(0.5 * np.pi * s)
    return radius.astype(np.float32), height.astype(np.float32)
