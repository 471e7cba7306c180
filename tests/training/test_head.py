"""The head: learns, repeats itself, and refuses what it cannot learn."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mycovigil_training.configuration import BadConfiguration, HeadConfig, compose
from mycovigil_training.head.fitting import fit
from mycovigil_training.head.outputs import TooFewPhotos, outputs_of, require_every_class

DIMENSION = 16


@pytest.fixture(scope="module")
def config() -> HeadConfig:
    return compose().head


def unnamed(labels: NDArray[np.int64]) -> NDArray[np.str_]:
    """Species that nobody knows."""
    return np.full(len(labels), "", np.str_)


def rows(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit rows around one direction a class, a hundredth of the usual spread."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 4)
    points = 1.0 + 0.02 * np.eye(4, DIMENSION)[labels] * 3
    points += 0.01 * rng.normal(size=points.shape)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32), labels


def test_classes_far_from_the_origin_and_near_each_other_are_learned(config: HeadConfig) -> None:
    features, labels = rows(400, 1)
    head = fit(features, labels, unnamed(labels), rows(80, 2), config, seed=1)
    fresh, truth = rows(200, 3)
    assert (head.logits(fresh).argmax(axis=1) == truth).mean() > 0.95


def test_a_seed_gives_the_same_head(config: HeadConfig) -> None:
    features, labels = rows(200, 1)
    data = (features, labels, unnamed(labels), rows(40, 2))
    first, again = (fit(*data, config, seed=5) for _ in range(2))
    assert first.weight.tolist() == again.weight.tolist()
    assert first.epochs == again.epochs


def test_the_cost_of_deadly_photos_moves_probability_away_from_edible(config: HeadConfig) -> None:
    features, labels = rows(200, 1)
    noisy = np.where(np.random.default_rng(4).random(200) < 0.5, labels, labels[::-1])
    held = (features[:40], noisy[:40])
    plain, careful = (
        fit(
            features,
            noisy,
            unnamed(noisy),
            held,
            config.model_copy(update={"deadly_cost": cost}),
            seed=1,
        )
        for cost in (0.0, 20.0)
    )
    deadly = features[noisy == 3]
    assert (careful.logits(deadly).argmax(axis=1) >= 2).mean() > (
        plain.logits(deadly).argmax(axis=1) >= 2
    ).mean()


def test_training_stops_early(config: HeadConfig) -> None:
    features, labels = rows(200, 1)
    shuffled = np.random.default_rng(1).permutation(labels)
    head = fit(features, shuffled, unnamed(labels), rows(80, 2), config, seed=1)
    assert head.epochs < config.epochs


def test_a_class_without_photos_is_refused(config: HeadConfig) -> None:
    features, labels = rows(40, 1)
    few = labels != 3
    with pytest.raises(TooFewPhotos, match="no photo to learn deadly from"):
        require_every_class(labels[few])
    head = fit(features[few], labels[few], unnamed(labels[few]), None, config, seed=1)
    right = head.logits(features[few]).argmax(axis=1) == labels[few]
    assert right.mean() > 0.95, "what is there can be judged"


def test_a_class_of_scattered_species_is_learned_by_its_species(config: HeadConfig) -> None:
    """Exclusive or: each class has two species in opposite corners, which no four outputs tell."""
    rng = np.random.default_rng(8)
    species = rng.integers(0, 8, 480)
    corners = np.concatenate([np.eye(4, DIMENSION), -np.eye(4, DIMENSION)])
    features = (corners[species] + 0.2 * rng.normal(size=(480, DIMENSION))).astype(np.float32)
    names, labels = np.char.add("species ", species.astype(np.str_)), species % 4
    learned, judged = slice(0, 240), slice(240, None)
    right = {}
    for kind, known in (("species", names), ("classes", unnamed(labels))):
        data = (features[learned], labels[learned], known[learned])
        head = fit(*data, (features[judged], labels[judged]), config, seed=1)
        right[kind] = (head.logits(features[judged]).argmax(axis=1) == labels[judged]).mean()
    assert right["species"] > 0.9
    assert right["classes"] < 0.5


def test_photos_whose_species_is_unknown_teach_their_class(config: HeadConfig) -> None:
    """Production's labels often name a class alone."""
    features, labels = rows(400, 1)
    named = np.where(np.arange(400) < 40, np.char.add("s", labels.astype(np.str_)), "")
    head = fit(features, labels, named, rows(80, 2), config, seed=1)
    fresh, truth = rows(200, 3)
    assert head.species == ("s0", "s1", "s2", "s3")
    assert (head.logits(fresh).argmax(axis=1) == truth).mean() > 0.95


def test_outputs_stand_for_the_species_of_each_class() -> None:
    labels = np.array([0, 0, 1, 1, 2, 3, 3])
    found = outputs_of(labels, np.array(["b", "a", "", "", "a", "c", ""]))
    assert found.species == ("a", "b", "", "a", "c")
    assert found.classes.tolist() == [0, 0, 1, 2, 3]
    assert found.targets.tolist() == [1, 0, 2, 2, 3, 4, 5 + 3]


def test_rare_classes_and_rare_species_weigh_more() -> None:
    labels = np.array([0] * 6 + [1] * 2 + [2] * 2 + [3] * 2)
    species = np.array(["a"] * 5 + ["b"] + ["c"] * 2 + ["d"] * 2 + ["e"] * 2)
    weights = outputs_of(labels, species).weights(labels, 1.0)
    sums = [weights[labels == number].sum() for number in range(4)]
    np.testing.assert_allclose(sums, 3.0)
    np.testing.assert_allclose(weights[5], weights[:5].sum())
    np.testing.assert_allclose(outputs_of(labels, species).weights(labels, 0.0), 1.0)


def test_hydra_overrides_reach_the_configuration() -> None:
    config = compose(["head.epochs=7", "augmentation=none", "seed=3"])
    assert (config.head.epochs, config.augmentation.views, config.seed) == (7, 0, 3)


@pytest.mark.parametrize(
    "override", ["head.epoch=7", "head.epochs=-1", "head.epochs=many", "nonsense", "split=weekly"]
)
def test_bad_overrides_are_refused_in_words(override: str) -> None:
    with pytest.raises(BadConfiguration, match="the configuration is refused"):
        compose([override])


def test_a_preset_without_its_plus_says_so() -> None:
    with pytest.raises(BadConfiguration, match=r"with a plus: \+experiment=species"):
        compose(["experiment=species"])
