"""Shifts of the simulated family are seen, in a short form; the long one is marked slow."""

import numpy as np
import pytest

from mycovigil_statistics import fit, judge
from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.simulated import Shift, World


@pytest.fixture(scope="module")
def world() -> World:
    return World.random(4, dimension=64)


@pytest.fixture(scope="module")
def fitted(world: World) -> FittedReference:
    x, _ = world.draw(4_000, np.random.default_rng(4))
    return fit(x, world.probabilities(x), seed=4)


@pytest.mark.parametrize(
    ("shift", "group"),
    [
        (Shift(mean=0.12), "location"),
        (Shift(scale=0.20), "dispersion"),
        (Shift(prior=0.25), "predictions"),
        (Shift(novel=0.25), "dispersion"),
        (Shift(sparse=1.0), "location"),
    ],
    ids=["mean", "scale", "prior", "novel", "sparse"],
)
def test_a_clear_shift_is_seen_by_the_view_made_for_it(
    world: World, fitted: FittedReference, shift: Shift, group: str
) -> None:
    x, _ = world.draw(200, np.random.default_rng(40), shift)
    result = judge(fitted, x, world.probabilities(x), permutations=1_999)
    assert result.p_value <= 0.001
    assert result.group_p_values[group] <= 0.01


def test_effects_grow_with_the_shift(world: World, fitted: FittedReference) -> None:
    lengths = (0.0, 0.05, 0.10, 0.20)
    effects = []
    for length in lengths:
        x, _ = world.draw(500, np.random.default_rng(41), Shift(mean=length))
        views = {view.name: view.effect for view in judge(fitted, x, permutations=199).views}
        effects.append(views["mean_whitened"])
    assert effects == sorted(effects)
    assert effects[0] < 0.3 < effects[-1]


def test_a_shift_in_covariates_alone_is_seen(world: World) -> None:
    generator = np.random.default_rng(42)
    x, _ = world.draw(700, generator)
    brightness = generator.standard_normal((700, 1))
    brightness[500:] += 0.8
    fitted = fit(x[:500], None, brightness[:500])
    result = judge(fitted, x[500:], None, brightness[500:])
    assert result.p_value <= 0.001
    assert result.group_p_values["covariates"] <= 0.01


def test_a_few_strange_photos_show_in_a_score_given_from_outside(world: World) -> None:
    generator = np.random.default_rng(43)
    x, _ = world.draw(900, generator)
    strangeness = generator.standard_normal((900, 1))
    strangeness[700:715] += 4
    strangeness[::50] = np.nan
    fitted = fit(x[:700], novelty=strangeness[:700])
    result = judge(fitted, x[700:], novelty=strangeness[700:])
    assert result.p_value <= 0.01
    assert result.group_p_values["novelty"] <= 0.001
    assert result.group_p_values["strangeness"] <= 0.001
    assert judge(fitted, x[700:]).p_value > 0.05


def test_a_night_without_its_usual_strangers_is_different_but_not_stranger(world: World) -> None:
    generator = np.random.default_rng(44)
    x, _ = world.draw(900, generator)
    strangeness = generator.standard_normal((900, 1))
    strangeness[700:] -= 1
    result = judge(fit(x[:700], novelty=strangeness[:700]), x[700:], novelty=strangeness[700:])
    assert result.group_p_values["novelty"] <= 0.001
    assert result.group_p_values["strangeness"] > 0.9


def test_small_moves_of_features_and_covariates_add_up(world: World) -> None:
    found = {"overall": 0, "location": 0, "covariates": 0}
    for seed in range(20):
        generator = np.random.default_rng(45 + seed)
        x, _ = world.draw(900, generator)
        x[700:] += 0.025 * generator.standard_normal(64).astype(np.float32) / 8
        covariates = generator.standard_normal((900, 5))
        covariates[700:] += 0.13
        fitted = fit(x[:700], None, covariates[:700])
        result = judge(fitted, x[700:], None, covariates[700:], permutations=199)
        for group in found:
            found[group] += result.group_p_values[group] <= 0.05
    assert found["overall"] > max(found["location"], found["covariates"])
