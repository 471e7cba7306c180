"""Where a person would hold the camera."""

import numpy as np

from mycovigil_simulator.fungus.cap_profile import upper
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.scene.view import View, look


def frame_bodies(bodies: list[Body], rng: np.random.Generator, size: int) -> View:
    """A view that holds the bodies: low from the side, oblique, or from above."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for body in bodies:
        frame = body.head.inside(body.place)
        _, height = upper(body)
        peak = frame.to_world(np.array([[0.0], [0.0], [float(height[0])]], np.float32))[:, 0]
        for point, reach in (
            (frame.origin, body.cap_radius),
            (peak, 0.0),
            (body.place.origin, body.stem_radius),
        ):
            low = np.minimum(low, point - reach * np.array([1, 1, 0.1]))
            high = np.maximum(high, point + reach * np.array([1, 1, 0.1]))
    low[2] = max(low[2], 0.0)
    elevation = float(
        rng.choice(
            [rng.uniform(1, 12), rng.uniform(10, 32), rng.uniform(30, 62)], p=[0.42, 0.38, 0.20]
        )
    )
    span = high - low
    seen = max(
        span[0], span[2] * np.cos(np.radians(elevation)) + span[1] * np.sin(np.radians(elevation))
    )
    extent = seen / rng.uniform(0.62, 0.94)
    middle = (low + high) / 2
    return look(
        target=(float(middle[0]), float(middle[1]), float(middle[2])),
        extent=float(extent),
        elevation=elevation,
        size=size,
        roll=float(rng.normal(0, 2.5)),
        offset=(float(rng.normal(0, 0.03)), float(rng.normal(0.01, 0.02))),
    )


def frame_ground(rng: np.random.Generator, size: int) -> View:
    """A view of the bare ground."""
    return look(
        target=(0.0, 0.0, float(rng.uniform(0.5, 4))),
        extent=float(np.exp(rng.uniform(np.log(8), np.log(50)))),
        elevation=float(rng.uniform(4, 70)),
        size=size,
        roll=float(rng.normal(0, 3)),
    )
