"""Causes are named from evidence that ignores the other causes."""

import numpy as np
import pytest

from mycovigil_statistics import fit, judge
from mycovigil_statistics.drift.cause.explain import Cause, explain
from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.simulated import Shift, World


@pytest.fixture(scope="module")
def world() -> World:
    return World.random(11, 64)


@pytest.fixture(scope="module")
def fitted(world: World) -> FittedReference:
    generator = np.random.default_rng(11)
    x, _ = world.draw(1_500, generator)
    return fit(x, world.probabilities(x), generator.standard_normal((1_500, 3)))


def explained(
    world: World,
    fitted: FittedReference,
    shift: Shift,
    brighter: float = 0.0,
    *,
    blind: bool = False,
    seed: int = 12,
) -> Cause:
    generator = np.random.default_rng(seed)
    x, _ = world.draw(400, generator, shift)
    z = generator.standard_normal((400, 3))
    z[:, 1] += brighter
    p, z_or_none = world.probabilities(x), None if blind else z
    result = judge(fitted, x, p, z_or_none, permutations=999)
    return explain(fitted, result, x, p, z_or_none)


@pytest.mark.parametrize(
    ("shift", "brighter", "kind"),
    [
        (Shift(mean=0.12), 1.0, "camera_or_light"),
        (Shift(novel=0.2), 0.0, "novel_species"),
        (Shift(look_alike=0.35), 0.0, "novel_species"),
        (Shift(prior=0.25), 0.0, "class_prior"),
        (Shift(novel=0.2, mean=0.12), 1.0, "mixed"),
        (Shift(mean=0.12), 0.0, "unknown"),
    ],
)
def test_the_planted_cause_is_named(
    world: World, fitted: FittedReference, shift: Shift, brighter: float, kind: str
) -> None:
    causes = [explained(world, fitted, shift, brighter, seed=seed) for seed in range(12, 16)]
    assert sum(cause.kind == kind for cause in causes) >= 3
    assert all(cause.kind in {kind, "unknown"} or cause.confidence <= 0.8 for cause in causes)
    assert all(0 < cause.confidence <= 1 for cause in causes)
    assert all(np.isfinite(value) for cause in causes for value in cause.evidence.values())


def test_a_new_species_of_another_colour_is_no_change_of_camera(
    world: World, fitted: FittedReference
) -> None:
    kinds = []
    for seed in range(30, 34):
        generator = np.random.default_rng(seed)
        x, labels = world.draw(400, generator, Shift(novel=0.2))
        z = generator.standard_normal((400, 3))
        z[labels < 0, 1] += 1.2
        result = judge(fitted, x, world.probabilities(x), z, permutations=999)
        kinds.append(explain(fitted, result, x, world.probabilities(x), z).kind)
    assert kinds.count("novel_species") >= 3


def test_a_common_displacement_stands_in_for_covariates_that_nobody_logged(
    world: World, fitted: FittedReference
) -> None:
    assert explained(world, fitted, Shift(mean=0.12), blind=True).kind == "camera_or_light"


def test_without_any_extras_it_still_answers(world: World) -> None:
    generator = np.random.default_rng(13)
    x, _ = world.draw(400, generator)
    bare = fit(x)
    night, _ = world.draw(100, generator, Shift(novel=0.3))
    cause = explain(bare, judge(bare, night, permutations=999), night)
    assert cause.kind == "novel_species"
