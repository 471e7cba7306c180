"""The photos to look at first are the planted ones."""

import numpy as np
import pytest

from mycovigil_statistics import fit
from mycovigil_statistics.drift.responsibility import responsible
from mycovigil_statistics.errors import InsufficientRows
from mycovigil_statistics.simulated import Shift, World


def test_most_of_the_top_20_are_planted() -> None:
    found = []
    for seed in range(5):
        world, generator = World.random(seed, 128), np.random.default_rng(seed)
        reference, _ = world.draw(1_500, generator)
        x, labels = world.draw(300, generator, Shift(novel=0.10))
        rows, scores = responsible(fit(reference, seed=seed), x, seed=seed)
        assert (np.diff(scores) <= 0).all()
        found.append((labels[rows] == -1).mean())
    assert np.mean(found) >= 0.8


def test_row_numbers_are_the_callers() -> None:
    x = np.random.default_rng(1).standard_normal((200, 4))
    fitted = fit(x[:150])
    night = x[150:].copy()
    planted = [3, 7, 12, 31, 32, 49]
    night[planted] += 9
    rows, _ = responsible(fitted, night, count=6)
    assert sorted(rows.tolist()) == planted
    with pytest.raises(InsufficientRows):
        responsible(fitted, night[:9])
