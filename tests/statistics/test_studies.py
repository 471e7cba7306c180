"""The long studies behind `docs/drift-evidence.md`: `make stats`. They print their tables.

`MYCOVIGIL_STUDY_RUNS` (default 1000) scales all of them; the bounds follow the number of runs.
"""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import binom

RUNS = int(os.environ.get("MYCOVIGIL_STUDY_RUNS", "1000"))
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RARE = 1e-3
PRINTER = Console(width=120)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at_most(rate: float, runs: int) -> int:
    return int(binom.ppf(1 - RARE, runs, rate))


def at_least(rate: float, runs: int) -> int:
    return int(binom.ppf(RARE, runs, rate))


@pytest.mark.parametrize(
    ("reference", "nights", "heavy", "share"),
    [
        (2_000, [200], False, 3),
        (500, [50, 200, 1_000, 5_000], False, 1),
        (2_000, [50, 1_000, 5_000], False, 1),
        (10_000, [50, 200, 1_000, 5_000], False, 1),
        (2_000, [50, 200, 1_000], True, 1),
    ],
    ids=["2000x200", "500", "2000", "10000", "heavy"],
)
def test_false_alarms_at_every_size(
    reference: int, nights: list[int], heavy: bool, share: int
) -> None:
    study, runs = benchmark("drift_power"), share * RUNS
    p_values = study.calm_p_values(
        reference, nights, runs, 1_000_000 + reference, heavy=heavy, predictions=heavy
    )
    PRINTER.print(study.calm_table({reference: p_values}, f"{runs} runs a cell, heavy: {heavy}"))
    for night, values in p_values.items():
        alarms = int(np.sum(np.array(values) <= study.LEVEL))
        assert at_least(study.LEVEL, runs) <= alarms <= at_most(study.LEVEL, runs), night


TARGETS = {"new 10": 0.98, "new 5": 0.90, "scale": 0.98, "mean .03": 0.98, "prior": 0.92}


@pytest.mark.parametrize("night", [200, 1_000])
def test_power_on_fresh_seeds(night: int) -> None:
    study, runs = benchmark("drift_power"), max(RUNS // 5, 20)
    rates = study.power(10_000, night, runs, 2_000_000)
    PRINTER.print(study.power_table({night: rates}, f"reference 10,000, {runs} runs a cell"))
    targets = TARGETS | {"sparse": 0.92} if night == 200 else dict.fromkeys(rates, 0.99)
    for name, target in targets.items():
        assert rates[name] * runs >= at_least(target, runs), name


def test_causes_are_named() -> None:
    runs = max(RUNS // 2, 200)
    result = benchmark("drift_cause").evaluate(90_000, runs)
    PRINTER.print(result)
    assert result["macro_f1"] >= 0.8
    assert result["confident_and_wrong"] * runs <= at_most(0.05, runs)


def test_calm_months_stay_within_the_budget() -> None:
    study, months = benchmark("drift_month"), max(RUNS // 5, 20)
    share = study.paged_share(
        "calm", months, 600, study.varied, lambda _: 0.0, dimension=16, seed=7_000_000
    )
    PRINTER.print(f"calm months paged: {share:.3f} of {months}")
    assert share * months <= at_most(0.10, months)
