"""`mycovigil sweep`: trials are kept, a killed search goes on, the page shows its history."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mycovigil_training.evaluate.evaluation import Photos
from mycovigil_training.evaluate.recipes import Rows
from mycovigil_training.sweep.search import open_study, search
from mycovigil_training.sweep.space import BadSpace, Dimension, overrides, read_space

SPACE = {
    "head.ridge": Dimension(low=0.1, high=100, log=True),
    "head.balance": Dimension(choices=(0.0, 1.0)),
}
BASE = ["head.epochs=3", "head.iterations=3"]


def photos(rows: int = 120) -> Photos:
    random = np.random.default_rng(3)
    labels = np.arange(rows) % 4
    features = (np.eye(8)[labels] + random.normal(0, 0.5, (rows, 8))).astype(np.float32)
    names = np.array([f"g{row}" for row in range(rows)])
    table = Rows(features, features, labels, names, names)
    return Photos(table, np.ones(rows, bool), np.empty((0, 8), np.float32), "ab" * 32)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_sweep
from mycovigil_training.sweep import search
real, left = search.poison_cost, [7]
def deadly(*arguments):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
search.poison_cost = deadly
study = search.open_study(Path(sys.argv[1]), "s", 1)
search.search(study, test_sweep.photos(), test_sweep.SPACE, trials=4, base=test_sweep.BASE, seed=1)
"""


def test_a_search_that_ended_in_a_trial_goes_on_and_tries_its_settings_again(
    tmp_path: Path,
) -> None:
    storage = tmp_path / "sweep.db"
    study = open_study(storage, "s", 1)
    search(study, photos(), SPACE, trials=1, base=BASE, seed=1)
    overrides(study.ask(), SPACE)  # what a process that was killed leaves behind
    goes_on(storage, trials=3)


@pytest.mark.whole
def test_a_killed_search_goes_on_and_tries_the_lost_settings_again(tmp_path: Path) -> None:
    storage = tmp_path / "sweep.db"
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(storage), here],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    goes_on(storage, trials=4)


def goes_on(storage: Path, *, trials: int) -> None:
    study = open_study(storage, "s", 1)
    (lost,) = [one for one in study.trials if one.state.name == "FAIL"]
    search(study, photos(), SPACE, trials=trials, base=BASE, seed=1)
    ended = [one for one in study.trials if one.state.name in ("COMPLETE", "PRUNED")]
    assert len(ended) == trials
    assert lost.params in [one.params for one in ended]
    assert study.best_value < 30
    search(study, photos(), SPACE, trials=trials, base=BASE, seed=1)
    assert len(study.trials) == trials + 1


@pytest.mark.parametrize(
    "text", ["head.ridge: {low: 1}", "- 3", "head.ridge: {low: 1, high: 2, choices: [1]}", "a: ["]
)
def test_a_space_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(BadSpace, match="no space to search"):
        read_space(path)
