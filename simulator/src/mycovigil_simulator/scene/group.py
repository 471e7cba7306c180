"""How many grow together, and how they stand."""

import numpy as np

from mycovigil_simulator.fungus.growth import Body, grow, within
from mycovigil_simulator.taxon import Species

PICKED = 0.14  # share of photos with a specimen laid down to show its gills


def gather(species: Species, rng: np.random.Generator) -> list[Body]:
    """One to several bodies, the main one at the origin, standing apart or in a tuft."""
    count = int(rng.integers(species.group[0], species.group[1] + 1))
    if not species.clustered and rng.uniform() < 0.45:
        count = 1
    ages = np.clip(rng.beta(2.2, 1.8, count), 0.02, 1)
    ages[0] = max(ages[0], rng.uniform(0.2, 0.7))
    bodies = [grow(species, rng, age=float(ages[0]))]
    reach = within(species.cap.radius, rng)
    for age in ages[1:]:
        bodies.append(_neighbour(species, rng, float(age), reach, bodies))
    if count <= 2 and rng.uniform() < PICKED:
        side = 1.0 if rng.uniform() < 0.5 else -1.0
        base = (side * reach * rng.uniform(1.5, 2.1), -reach * rng.uniform(0.6, 1.4))
        bodies.append(grow(species, rng, age=float(rng.uniform(0.4, 0.9)), base=base, picked=True))
    return bodies


def _neighbour(
    species: Species, rng: np.random.Generator, age: float, reach: float, others: list[Body]
) -> Body:
    """Another body beside those that stand already; in a tuft it leans outward."""
    if species.clustered:
        angle, gap = rng.uniform(0, 6.28), reach * rng.uniform(0.25, 1.0)
        base = (gap * np.cos(angle), gap * np.sin(angle))
        outward = 0.42 * gap / reach
        lean = (outward * np.cos(angle), outward * np.sin(angle))
        return grow(species, rng, age=age, base=base, lean=lean)
    base = (0.0, 0.0)
    for _ in range(8):
        angle, gap = rng.uniform(0, 6.28), reach * rng.uniform(1.3, 2.8)
        base = (gap * np.cos(angle), gap * np.sin(angle))
        clear = min(np.hypot(*(other.place.origin[:2] - base)) for other in others)
        if clear > 1.25 * reach:
            break
    return grow(species, rng, age=age, base=base)
