"""Optuna's trials over our configurations: kept in SQLite, gone on with, pruned fold by fold."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import optuna
import structlog
from optuna.trial import TrialState

from mycovigil_training.configuration import compose
from mycovigil_training.evaluate.evaluation import Photos
from mycovigil_training.evaluate.folds import grouped
from mycovigil_training.evaluate.poison_cost import poison_cost
from mycovigil_training.evaluate.recipes import head
from mycovigil_training.sweep.space import Dimension, overrides

# Trials that are drawn at random before any is pruned or modelled.
FIRST = 5


def open_study(storage: Path, name: str, seed: int) -> optuna.Study:
    """A study in an SQLite file; trials that a killed run left open are tried anew.

    Raises:
        OSError: the file cannot be made.
    """
    storage.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{storage}",
        study_name=name,
        direction="minimize",
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=FIRST),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=FIRST, n_warmup_steps=1),
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params, skip_if_exists=True)
    return study


def search(
    study: optuna.Study,
    photos: Photos,
    space: Mapping[str, Dimension],
    *,
    trials: int,
    base: Sequence[str],
    seed: int,
) -> None:
    """Ask and tell until ``trials`` have ended, those of earlier runs counted."""
    log = structlog.get_logger("mycovigil.training")
    while _ended(study) < trials:
        trial = study.ask()
        cost = _cost(trial, photos, [*base, *overrides(trial, space)], seed)
        if cost is None:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, cost)
        log.info("trial", number=trial.number, cost=cost, **trial.params)


def _ended(study: optuna.Study) -> int:
    states = (TrialState.COMPLETE, TrialState.PRUNED)
    return len(study.get_trials(deepcopy=False, states=states))


def _cost(trial: optuna.Trial, photos: Photos, settings: Sequence[str], seed: int) -> float | None:
    """FungiCLEF's combined cost, out of fold; None where it is clear early that it is high."""
    config = compose(list(settings))
    recipe, rows = head(config), photos.rows
    costs: list[float] = []
    for learned, judged in grouped(rows.labels, rows.groups, seed=seed, what="specimens"):
        found = recipe(rows.take(learned), rows.take(judged))
        costs.append(poison_cost(found, rows.labels[judged]).combined)
        trial.report(float(np.mean(costs)), len(costs))
        if trial.should_prune():
            return None
    return float(np.mean(costs))
