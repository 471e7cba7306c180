"""Surfaces of revolution, sampled densely enough to be painted point by point."""

from dataclasses import dataclass

import numpy as np

from mycovigil_simulator.arrays import Array, Index

TURN = 6.2831853


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
    """Points of one surface that face the eye. `along` runs 0 to 1 down the profile.

    `ring` is the row of each point in `slope`, (2, rings): the outward and the upward part of
    the unit normal there.
    """

    along: Array
    angle: Array
    position: Array
    ring: Index
    slope: Array

    @property
    def normal(self) -> Array:
        """Unit normals (3, n) of the smooth surface."""
        outward, upward = self.slope[:, self.ring]
        return np.stack([outward * np.cos(self.angle), outward * np.sin(self.angle), upward])

    def take(self, chosen: Index) -> "Sheet":
        """Some of the points."""
        return Sheet(
            self.along[chosen],
            self.angle[chosen],
            self.position[:, chosen],
            self.ring[chosen],
            self.slope,
        )

    def moved(self, position: Array) -> "Sheet":
        """The same points elsewhere."""
        return Sheet(self.along, self.angle, position, self.ring, self.slope)


@dataclass(frozen=True, slots=True)
class Wobble:
    """How far a body departs from a circle: waves of the radius and of the rim's height."""

    waves: Array  # (k,) whole numbers
    phases: Array
    radial: Array
    vertical: Array

    def bend(self, angle: Array) -> tuple[Array, Array]:
        """Relative radius and height offsets at each angle, from a table of 512 angles."""
        table = np.arange(512, dtype=np.float32) * (TURN / 512)
        turned = np.cos(self.waves[:, None] * table + self.phases[:, None])
        nearest = (angle * (512 / TURN)).astype(np.int32) & 511
        return (self.radial @ turned)[nearest], (self.vertical @ turned)[nearest]


def tilted(tilt_x: float, tilt_y: float, turn: float = 0.0) -> Array:
    """Rotation that leans the axis by small angles (radians) after a turn about it."""
    cx, sx, cy, sy, ct, st = (
        function(angle) for angle in (tilt_x, tilt_y, turn) for function in (np.cos, np.sin)
    )
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[ct, -st, 0], [st, ct, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float32)


def revolve(
    radius: Array,
    height: Array,
    *,
    eye: Array,
    spacing: float,
    wobble: Wobble | None = None,
    slack: float = 0.0,
    outer: float = 1.0,
    both_sides: bool = False,
) -> Sheet:
    """The visible part of a surface of revolution, about one point every `spacing` cm.

    `radius` and `height` are the profile's knots (cm); the outside lies to the left of its
    direction seen in the (radius, height) plane. `slack` (radians) keeps points that look away
    a little, as displaced surfaces need; `both_sides` keeps all of a thin one.
    `outer` says which end of the profile is the rim that the wobble bends: 1 the last, 0 the first.
    """
    r, z, along = _even(radius, height, spacing)
    slope_r, slope_z = np.gradient(r), np.gradient(z)
    norm = np.hypot(slope_r, slope_z) + 1e-9
    outward, upward = -slope_z / norm, slope_r / norm
    middle, half = _window(r, z, outward, upward, eye)
    half = np.full_like(half, np.pi) if both_sides else np.clip(half + slack, 0, np.pi)
    number = np.ceil(2 * half * r / spacing).astype(np.int32) + (half > 0)
    ring = np.repeat(np.arange(len(r), dtype=np.int32), number)
    within = np.arange(len(ring), dtype=np.int32) - np.repeat(np.cumsum(number) - number, number)
    step = (2 * half / np.maximum(number, 1)).astype(np.float32)
    start = (middle - half + 0.25 * step).astype(np.float32)
    angle = start[ring] + step[ring] * (within + 0.5 * (ring & 1)).astype(np.float32)
    reach, level, down = r[ring], z[ring], along[ring]
    if wobble is not None:
        wide, high = wobble.bend(angle)
        edge = (1 - np.abs(outer - down)) ** 2
        reach = reach * (1 + wide * edge)
        level = level + high * edge * np.float32(radius.max())
    position = np.stack([reach * np.cos(angle), reach * np.sin(angle), level])
    return Sheet(down, angle, position, ring, np.stack([outward, upward]).astype(np.float32))


def _even(radius: Array, height: Array, spacing: float) -> tuple[Array, Array, Array]:
    """The profile resampled to even steps: radius, height and the share of the way (n,)."""
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(radius), np.diff(height)))])
    along = np.linspace(0, 1, max(int(length[-1] / spacing), 4))
    at = along * length[-1]
    r, z = np.interp(at, length, radius), np.interp(at, length, height)
    return r.astype(np.float32), z.astype(np.float32), along.astype(np.float32)


def _window(r: Array, z: Array, outward: Array, upward: Array, eye: Array) -> tuple[Array, Array]:
    """Middle and half width (radians) of each ring's arc that faces the eye.

    The normal n at angle t faces the eye e where n . (e - p) > 0, which is
    outward * (|e_xy| cos(t - t_eye) - r) + upward * (e_z - z) > 0.
    """
    away = max(float(np.hypot(eye[0], eye[1])), 1e-6)
    toward = float(np.arctan2(eye[1], eye[0]))
    steep = np.where(np.abs(outward) < 1e-6, 1e-6, outward)
    arc = np.arccos(np.clip((r - upward * (eye[2] - z) / steep) / away, -1, 1))
    middle = np.where(steep > 0, toward, toward + np.pi)
    return middle, np.where(steep > 0, arc, np.pi - arc)
