"""Each camera knob does to the pixels what it says."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from mycovigil_simulator.arrays import Image
from mycovigil_simulator.camera import NEW_PHONE, REFERENCE_CAMERAS, Camera, apply, to_jpeg
from mycovigil_simulator.photo import render
from mycovigil_simulator.species import by_name

NEUTRAL = Camera(
    "neutral", exposure_spread=0, balance_spread=0, blur=0, noise=0, vignette=0, quality=95
)


@pytest.fixture(scope="module")
def scene() -> Image:
    return render(by_name("amanita_pantherina"), seed=4, size=96).pixels


def shoot(scene: Image, seed: int = 0, **knobs: Any) -> Image:
    return apply(replace(NEUTRAL, **knobs), scene, np.random.default_rng(seed))


def detail(image: Image) -> float:
    """Mean squared step between neighbouring pixels."""
    return float((np.diff(image.astype(float), axis=1) ** 2).mean())


def test_the_neutral_camera_changes_nothing(scene: Image) -> None:
    assert np.abs(shoot(scene).astype(int) - scene).max() <= 1


def test_a_stop_doubles_the_light(scene: Image) -> None:
    brighter = shoot(scene, exposure=1.0)
    middle = (scene > 20) & (scene < 120)
    ratio = (brighter[middle] / scene[middle].astype(float)) ** 2.2
    assert np.median(ratio) == pytest.approx(2.0, rel=0.05)


def test_white_balance_moves_its_channel(scene: Image) -> None:
    warm = shoot(scene, white_balance=(1.3, 1.0, 0.8)).mean((0, 1)) - scene.mean((0, 1))
    assert warm[0] > 4
    assert abs(warm[1]) < 1
    assert warm[2] < -2


def test_blur_resolution_and_sharpening_move_detail(scene: Image) -> None:
    plain = detail(scene)
    assert detail(shoot(scene, blur=1.5)) < 0.7 * plain
    assert detail(shoot(scene, resolution=0.5)) < 0.8 * plain
    assert detail(shoot(scene, sharpening=1.0)) > 1.3 * plain


def test_noise_has_its_standard_deviation(scene: Image) -> None:
    grey = np.full_like(scene, 128)
    assert shoot(grey, noise=6.0).std() == pytest.approx(6.0, rel=0.05)


def test_contrast_saturation_and_vignette(scene: Image) -> None:
    assert shoot(scene, contrast=1.2).std() > scene.std()
    assert np.ptp(shoot(scene, saturation=0.0).astype(int), axis=-1).max() <= 1
    grey = np.full_like(scene, 128)
    dark = shoot(grey, vignette=0.2)
    assert dark[0, 0].mean() < 0.7 * dark[48, 48].mean()


def test_quality_sets_the_size_of_the_file(scene: Image) -> None:
    fine, coarse = (to_jpeg(scene, replace(NEUTRAL, quality=quality)) for quality in (95, 40))
    assert len(coarse) < 0.5 * len(fine)
    decoded = np.asarray(Pillow.open(BytesIO(fine)).convert("RGB")).astype(int)
    assert np.abs(decoded - scene).mean() < 5


def test_the_shot_is_reproducible(scene: Image) -> None:
    for camera in (*REFERENCE_CAMERAS, NEW_PHONE):
        first, again = (apply(camera, scene, np.random.default_rng(9)) for _ in range(2))
        assert first.tobytes() == again.tobytes()


def test_the_new_phone_stands_apart() -> None:
    grey = np.full((48, 48, 3), 110, np.uint8)

    def tint(camera: Camera, seed: int) -> float:
        means = apply(camera, grey, np.random.default_rng(seed)).mean((0, 1))
        return float(np.log(means[2] / means[0]))

    usual = [tint(camera, seed) for camera in REFERENCE_CAMERAS for seed in range(10)]
    new = [tint(NEW_PHONE, seed) for seed in range(10)]
    assert min(new) > max(usual)
