"""Where the camera stands: a pinhole above the ground plane (z up, y away, cm)."""

from dataclasses import dataclass

import numpy as np

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.fungus.sheet import Frame

LOWEST = 0.8  # cm: a camera laid on the ground
FARTHEST = 1e5  # cm


@dataclass(frozen=True, slots=True)
class View:
    """`axes` are the rows right, up, forward; `focal` is in pixels of a `size` square canvas."""

    eye: Array
    axes: Array
    focal: float
    size: int
    centre: tuple[float, float]
    distance: float

    @property
    def pixel(self) -> float:
        """Width of a pixel in cm at the distance of the subject."""
        return self.distance / self.focal

    def project(self, points: Array) -> tuple[Array, Array, Array]:
        """(3, n) points to columns, rows and depth; what lies behind the camera gets depth .1."""
        right, up, depth = self.axes @ (points - self.eye[:, None])
        depth = np.maximum(depth, 0.1)
        scale = self.focal / depth
        return self.centre[0] + right * scale, self.centre[1] - up * scale, depth

    def pixel_at(self, points: Array) -> float:
        """Width in cm of a pixel at the nearest of (3, n) world points."""
        depths = self.axes[2] @ (points - self.eye[:, None])
        return max(float(depths.min()), 0.2 * self.distance) / self.focal

    def depth_of(self, point: Array) -> float:
        """Distance of a world point (3,) from the camera's plane, cm."""
        return float(self.axes[2] @ (point - self.eye))

    def sees(self, point: Array, depths: Array, slack: float) -> bool:
        """Whether a world point (3,) is in the frame and nothing drawn hides it by > `slack` cm."""
        columns, rows, depth = self.project(point[:, None])
        column, row = int(columns[0]), int(rows[0])
        if not (0 <= column < self.size and 0 <= row < self.size):
            return False
        return bool(depths[row, column] > depth[0] - slack)

    def project_from(self, frame: Frame, points: Array) -> tuple[Array, Array, Array, Array]:
        """(3, n) points in a part's frame to columns, rows, depth and height above the ground."""
        turn = np.vstack([self.axes @ frame.rotation, frame.rotation[2]])
        shift = np.append(self.axes @ (frame.origin - self.eye), frame.origin[2])
        right, up, depth, level = turn @ points + shift.astype(np.float32)[:, None]
        depth = np.maximum(depth, 0.1)
        scale = self.focal / depth
        return self.centre[0] + right * scale, self.centre[1] - up * scale, depth, level

    def ground_depth(self) -> Array:
        """Depth of the ground at each pixel, (size, size); inf above the horizon."""
        fall = self._rays(self.axes[:, 2])
        depth = np.divide(-self.eye[2], fall, out=np.full_like(fall, np.inf), where=fall < -1e-4)
        return np.asarray(depth, np.float32)

    def ground_chart(self, depth: Array, direction: tuple[float, float], start: float) -> Array:
        """A linear coordinate of the ground at each pixel: start + direction . (x, y)."""
        x, y = direction
        slope = self._rays(x * self.axes[:, 0] + y * self.axes[:, 1])
        slope *= np.minimum(depth, FARTHEST)
        slope += np.float32(start + x * self.eye[0] + y * self.eye[1])
        return slope

    def _rays(self, weights: Array) -> Array:
        """weights . (right, up, forward) of the ray through each pixel, per unit of depth."""
        line = np.arange(self.size, dtype=np.float32)
        across = (line - np.float32(self.centre[0])) * np.float32(weights[0] / self.focal)
        upward = (np.float32(self.centre[1]) - line) * np.float32(weights[1] / self.focal)
        return np.asarray(across[None, :] + (upward + np.float32(weights[2]))[:, None])


def look(
    *,
    target: tuple[float, float, float],
    extent: float,
    elevation: float,
    size: int,
    roll: float = 0.0,
    offset: tuple[float, float] = (0.0, 0.0),
    field: float = 34.0,
) -> View:
    """A view of `target` from `elevation` degrees, so that `extent` cm fill the frame."""
    focal = 0.5 * size / np.tan(np.radians(field) / 2)
    distance = extent / size * focal
    angle = np.radians(elevation)
    aim = np.array(target)
    eye = aim + distance * np.array([0.0, -np.cos(angle), np.sin(angle)])
    eye[2] = max(eye[2], LOWEST)
    forward = (aim - eye) / np.linalg.norm(aim - eye)
    right = np.array([np.cos(np.radians(roll)), 0.0, np.sin(np.radians(roll))])
    right -= forward * (right @ forward)
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    axes = np.stack([right, up, forward]).astype(np.float32)
    centre = (size * (0.5 + offset[0]), size * (0.5 + offset[1]))
    return View(eye.astype(np.float32), axes, float(focal), size, centre, float(distance))
