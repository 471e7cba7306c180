"""One photo: a species, a seed, a view, and the truth about what it shows."""

import zlib
from dataclasses import dataclass

import numpy as np

from mycovigil_simulator.arrays import Image
from mycovigil_simulator.camera import Camera, apply
from mycovigil_simulator.caption import describe
from mycovigil_simulator.fungus.body import shade_of, surfaces
from mycovigil_simulator.fungus.growth import Body
from mycovigil_simulator.raster import resize
from mycovigil_simulator.scene.clutter import scatter
from mycovigil_simulator.scene.focus import defocus
from mycovigil_simulator.scene.foliage import blades, fallen_leaves, tufts
from mycovigil_simulator.scene.framing import frame_bodies, frame_ground
from mycovigil_simulator.scene.ground import paint_ground
from mycovigil_simulator.scene.group import gather
from mycovigil_simulator.scene.light import Light, draw_light
from mycovigil_simulator.scene.shadow import cast
from mycovigil_simulator.scene.splat import splat
from mycovigil_simulator.scene.view import View
from mycovigil_simulator.taxon import Species
from mycovigil_simulator.traits import Ground, SafetyClass

SUPERSAMPLING = 1.75  # canvas pixels a photo pixel, each way
SPACING = 0.88  # canvas pixels between two painted points


@dataclass(frozen=True, slots=True)
class Photo:
    """`pixels` is sRGB (size, size, 3); `specimen` names the individual, to split by.

    `safety_class` is None where there is no mushroom. A walk adds the session and its camera.
    """

    pixels: Image
    species: str
    safety_class: SafetyClass | None
    caption: str
    specimen: str
    session: str = ""
    camera: Camera | None = None


def render(
    species: Species, *, seed: int, size: int = 128, camera: Camera | None = None, view: int = 0
) -> Photo:
    """Photograph specimen `seed` of a species. Same arguments, same bytes (on one machine).

    `view` counts the photos of one specimen: another angle, framing and shot, the same bodies,
    ground and light. Without a camera the scene is returned as it is.
    """
    key = zlib.crc32(species.name.encode())
    nature = np.random.default_rng([seed, key])
    ground = species.grounds[nature.integers(len(species.grounds))]
    light = draw_light(nature)
    bodies = gather(species, nature)
    floor_seed = int(nature.integers(2**32))
    shot = np.random.default_rng([seed, key, view, 1])
    sight = frame_bodies(bodies, shot, _canvas_side(size))
    plants = np.random.default_rng(floor_seed)
    canvas = _photograph(bodies, sight, ground, light, plants)
    pixels = _develop(canvas, size, camera, shot)
    caption = describe(species, shot, ground)
    specimen = f"{species.name}-{seed}"
    return Photo(pixels, species.name, species.safety_class, caption, specimen, camera=camera)


def render_empty(*, seed: int, size: int = 128, camera: Camera | None = None) -> Photo:
    """Ground without a mushroom: litter, stones, sticks, cones, leaves."""
    rng = np.random.default_rng([seed, 77])
    ground = list(Ground)[rng.integers(len(Ground))]
    light = draw_light(rng)
    sight = frame_ground(rng, _canvas_side(size))
    canvas, depths = paint_ground(sight, ground, light, rng)
    things = scatter(canvas, depths, sight, light, rng)
    blades(canvas, sight, ground, light, rng, depth=(-0.5, 0.8))
    fallen_leaves(canvas, sight, light, rng, depth=(-0.4, 0.6), count=int(rng.poisson(2)))
    pixels = _develop(defocus(canvas, depths, sight.distance), size, camera, rng)
    caption = f"a photo of {things}, no mushroom, {ground.value}"
    return Photo(pixels, "not_mushroom", None, caption, f"empty-{seed}", camera=camera)


def _canvas_side(size: int) -> int:
    """An even number of canvas pixels."""
    return 2 * round(size * SUPERSAMPLING / 2)


def _photograph(
    bodies: list[Body], view: View, ground: Ground, light: Light, rng: np.random.Generator
) -> Image:
    """The scene on a supersampled canvas, back to front."""
    canvas, depths = paint_ground(view, ground, light, rng)
    cast(canvas, view, light, bodies)
    loose = 3 if ground is Ground.LEAVES else 1
    fallen_leaves(canvas, view, light, rng, depth=(0.1, 0.7), count=int(rng.poisson(loose)))
    blades(canvas, view, ground, light, rng, depth=(0.0, 0.8))
    shades = [shade_of(body) for body in bodies]
    spacing = SPACING * view.pixel
    parts = [part for body in bodies for part in surfaces(body, view.eye, light.direction, spacing)]
    splat(canvas, depths, parts, view, light, shades)
    for body in sorted(bodies, key=lambda body: -float(body.place.origin[1])):
        radius = body.stem_radius * (1 + 0.6 * body.species.stem.bulb)
        foot = body.place.origin - np.array([0, radius, 0], np.float32)
        if view.sees(foot, depths, slack=1.5 * radius):
            tufts(canvas, view, ground, light, rng, foot=body.place.origin, radius=radius)
    canvas = defocus(canvas, depths, view.depth_of(shades[0].centre))
    clear = max(body.cap_radius for body in bodies)
    fallen_leaves(
        canvas,
        view,
        light,
        rng,
        depth=(-0.5, -0.15),
        count=int(rng.poisson(0.5 * loose)),
        clear=clear,
    )
    blades(canvas, view, ground, light, rng, depth=(-0.5, -0.05), share=0.35)
    return canvas


def _develop(canvas: Image, size: int, camera: Camera | None, rng: np.random.Generator) -> Image:
    """Down to the photo's size, and through the camera."""
    pixels = resize(canvas, size, area=True)
    return pixels if camera is None else apply(camera, pixels, rng)
