"""How often the whole gate lets models pass, counted; the long form is `make stats`."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest

from mycovigil.models.safety import Advice
from mycovigil.settings import TrainingSettings
from mycovigil_training.model.scoring import Answers
from mycovigil_training.retrain.criteria import Limits, PairedAnswers
from mycovigil_training.retrain.gate import Role, judge

# Specimens of edible, conditionally edible, poisonous and deadly mushrooms.
SPECIMENS = np.repeat(np.arange(4), [200, 200, 1_000, 1_000])
# Shares that two models disagree on: of misses, and of useful answers to the others.
DISCORDANT = 0.04
RUNS = [
    pytest.param(40, id="short"),
    pytest.param(1_000, id="long", marks=[pytest.mark.slow, pytest.mark.timeout(0)]),
]
Missed = np.ndarray


class Photos:
    """One to three photos of each specimen; a model misses one of a missed specimen's at least."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.groups = np.repeat(np.arange(len(SPECIMENS)), rng.integers(1, 4, len(SPECIMENS)))
        self.labels = SPECIMENS[self.groups]
        self._first = np.unique(self.groups, return_index=True)[1]

    def answered(self, failed: np.ndarray) -> Answers:
        """What a model says that fails on these specimens: it misses harmful ones, and refuses
        others."""
        lead = np.zeros(len(self.groups), dtype=bool)
        lead[self._first] = True
        photos = failed[self.groups] & (lead | (self._rng.random(len(self.groups)) < 0.5))
        good = np.where(self.labels >= 2, Advice.AVOID.value, Advice.EXPERT_CHECK.value)
        bad = np.where(self.labels >= 2, Advice.EXPERT_CHECK.value, Advice.CANNOT_TELL.value)
        chances = 0.9 * np.eye(4)[self.labels] + 0.025
        return Answers(chances, np.zeros(len(self.labels)), np.where(photos, bad, good))

    def paired(self, candidate: np.ndarray, theirs: np.ndarray) -> PairedAnswers:
        calm = np.zeros(len(self.labels), dtype=bool)
        return PairedAnswers(
            self.labels,
            self.groups.astype(str),
            calm,
            self.answered(candidate),
            self.answered(theirs),
        )


def first_model(rng: np.random.Generator) -> np.ndarray:
    return np.asarray(rng.random(len(SPECIMENS)) < 0.05)


def successor(rng: np.random.Generator, failed: np.ndarray, points: int) -> np.ndarray:
    """A model that disagrees on 4% of the specimens with one that fails on 5%, and on ``points``
    more of the deadly ones; it fails on another point of the deadly ones."""
    deadly = SPECIMENS == 3
    worse, share = np.where(deadly, 0.01, 0.0), np.where(deadly, 0.05 + points / 100, 0.05)
    added, mended = (DISCORDANT + worse) / 2 / (1 - share), (DISCORDANT - worse) / 2 / share
    return np.asarray(failed ^ (rng.random(len(SPECIMENS)) < np.where(failed, mended, added)))


def passes(rng: np.random.Generator, worse: float) -> bool:
    """A candidate beside production and another first certified model: all three fail on the same
    5%, and each on specimens of its own, so that any opponent disagrees with it on 4%."""
    photos, shared = Photos(rng), first_model(rng)

    def model(worse: float) -> np.ndarray:
        own = np.where(SPECIMENS == 3, DISCORDANT + worse, DISCORDANT) / 2 / 0.95
        return np.asarray(shared | (rng.random(len(SPECIMENS)) < own))

    production, first, candidate = model(-worse), model(-worse), model(worse)
    pairs = {
        Role.PRODUCTION: photos.paired(candidate, production),
        Role.FIRST: photos.paired(candidate, first),
    }
    return bool(judge(pairs, Limits.of(TrainingSettings(), 0.0))["passed"])


def ends_near_the_first(rng: np.random.Generator) -> bool:
    """Ten candidates, each one point worse than the production model that it finds."""
    photos, spent, points = Photos(rng), 0.0, 0
    first = production = first_model(rng)
    for _ in range(10):
        candidate = successor(rng, production, points)
        pairs = {Role.PRODUCTION: photos.paired(candidate, production)}
        if production is not first:
            pairs[Role.FIRST] = photos.paired(candidate, first)
        evidence = judge(pairs, Limits.of(TrainingSettings(), spent))
        spent += evidence["spent"]
        if evidence["passed"]:
            production, points = candidate, points + 1
        if points > 3:
            return False
    return True


def counted(event: Callable[[np.random.Generator], bool], runs: int, seed: int) -> int:
    found = sum(event(np.random.default_rng([seed, run])) for run in range(runs))
    print(f"{found} of {runs}")  # noqa: T201 - `make stats` shows it
    return found


@pytest.mark.parametrize("runs", RUNS)
def test_a_candidate_three_points_worse_passes_at_most_one_time_in_twenty(runs: int) -> None:
    found = counted(lambda rng: passes(rng, 0.03), runs, seed=1)
    assert binomtest(found, runs, 0.05, alternative="greater").pvalue > 0.001
    if runs == 1_000:
        assert found / runs <= 0.05


@pytest.mark.parametrize("runs", RUNS)
def test_an_equal_candidate_passes_four_times_in_five(runs: int) -> None:
    found = counted(lambda rng: passes(rng, 0.0), runs, seed=2)
    assert binomtest(found, runs, 0.80, alternative="less").pvalue > 0.001
    if runs == 1_000:
        assert found / runs >= 0.80


@pytest.mark.parametrize("runs", RUNS)
def test_ten_candidates_each_a_point_worse_end_within_three_points(runs: int) -> None:
    runs = runs if runs == 1_000 else runs // 4
    found = counted(ends_near_the_first, runs, seed=3)
    assert binomtest(found, runs, 0.95, alternative="less").pvalue > 0.001
    if runs == 1_000:
        assert found / runs >= 0.95
