"""Surfaces of revolution, sampled densely enough to be painted point by point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """A rigid motion from a part's own axes to the world's."""

    rotation: Array
    origin: Array

    def to_world(self, points: Array) -> Array:
        """(3, n) points of the part in world coordinates."""
        moved: Array = self.rotation @ points + self.origin[:, None]
        return moved

    def to_local(self, point: Array) -> Array:
        """A world point (3,) in the part's coordinates."""
        moved: Array = self.rotation.T @ (point - self.origin)
        return moved

    def inside(self, outer: "Frame") -> "Frame":
        """This frame given in the axes of `outer`, in world axes."""
        return Frame(outer.rotation @ self.rotation, outer.rotation @ self.origin + outer.origin)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Points of one surface that face the eye. `along` runs 0 to 1 down the profile."""

    along: Array
    angle: Array
    position: Array
    normal: Array


@dataclass(frozen=True, slots=True)
class Wobble:
    """How far a body departs from a circle: waves of the radius and of the rim's height."""

    waves: Array  # (k,) whole numbers
    phases: Array
    radial: Array
    vertical: Array

    def bend(self, angle: Array) -> tuple[Array, Array]:
        """Relative radius and height offsets at each angle."""
        turned = np.cos(self.waves[:, None] * angle + self.phases[:, None])
        return self.radial @ turned, self.vertical @ turned


def tilted(tilt_x: float, tilt_y: float, turn: float = 0.0) -> Array:
    """Rotation that leans the axis by small angles (radians) after a turn about it."""
    cx, sx, cy, sy, ct, st = (
        function(angle) for angle in (tilt_x, tilt_y, turn) for function in (np.cos, np.sin)
    )
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[ct, -st, 0], [st, ct, 0], [0, 0, 1]])
    return (about_y @ about_x @ about_z).astype(np.float32)


def revolve(
    radius: Array,
    height: Array,
    *,
    eye: Array,
    spacing: float,
    wobble: Wobble | None = None,
    keep: float = 0.0,
    outer: float = 1.0,
) -> Sheet:
    """The visible part of a surface of revolution, about one point every `spacing` cm.

    `radius` and `height` are the profile's knots (cm); the outside lies to the left of its
    direction seen in the (radius, height) plane. `keep` < 0 also keeps points that look away
    a little (displaced surfaces need them); -1 keeps all and turns normals toward the eye.
    `outer` says which end of the profile is the rim that the wobble bends: 1 the last, 0 the first.
    """
    steps = np.hypot(np.diff(radius), np.diff(height))
    length = np.concatenate([[0], np.cumsum(steps)])
    count = max(int(length[-1] / spacing), 4)
    at = np.linspace(0, length[-1], count)
    r = np.interp(at, length, radius).astype(np.float32)
    z = np.interp(at, length, height).astype(np.float32)
    slope_r, slope_z = np.gradient(r), np.gradient(z)
    norm = np.hypot(slope_r, slope_z) + 1e-9
    around = np.maximum((2 * np.pi * r / spacing).astype(np.int64), 6)
    ring = np.repeat(np.arange(count), around)
    within = np.arange(len(ring)) - np.repeat(np.cumsum(around) - around, around)
    angle = (2 * np.pi * (within + 0.5 * (ring & 1)) / around[ring]).astype(np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    outward = (-slope_z / norm).astype(np.float32)[ring]
    upward = (slope_r / norm).astype(np.float32)[ring]
    normal = np.stack([outward * cos, outward * sin, upward])
    along = (at / length[-1]).astype(np.float32)[ring]
    reach, level = r[ring], z[ring]
    if wobble is not None:
        wide, high = wobble.bend(angle)
        edge = 1 - np.abs(outer - along)
        edge = edge * edge
        reach = reach * (1 + wide * edge)
        level = level + high * edge * float(radius.max())
    position = np.stack([reach * cos, reach * sin, level])
    toward = eye[:, None] - position
    facing = (normal * toward).sum(0)
    if keep <= -1:
        normal = normal * np.where(facing < 0, -1, 1).astype(np.float32)
        return Sheet(along, angle, position, normal)
    seen = np.flatnonzero(facing > keep * np.linalg.norm(toward[:, :1]))
    return Sheet(along[seen], angle[seen], position[:, seen], normal[:, seen])
