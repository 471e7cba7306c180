"""The studies behind `docs/drift-evidence.md`: short by `make whole`, long by `make stats`.

They print their tables. `MYCOVIGIL_STUDY_RUNS` (1,000) scales the long form; all bounds are
binomial and follow the number of runs, so that the short form errs as seldom as the long one.
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import binom

pytestmark = pytest.mark.whole  # what they claim, the tests beside this one check every day
RUNS = int(os.environ.get("MYCOVIGIL_STUDY_RUNS", "1000"))
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RARE = 1e-3
PRINTER = Console(width=120)
long_form = [pytest.mark.slow, pytest.mark.timeout(0)]


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # data classes look their module up
    spec.loader.exec_module(module)
    return module


def at_most(rate: float, runs: int) -> int:
    return int(binom.ppf(1 - RARE, runs, rate))


def at_least(rate: float, runs: int) -> int:
    return int(binom.ppf(RARE, runs, rate))


@pytest.mark.parametrize(
    ("reference", "nights", "heavy", "runs", "dimension"),
    [
        pytest.param(400, [50, 300], True, 40, 16, id="short"),
        *(
            pytest.param(
                reference, [50, 200, 1_000, 5_000], heavy, RUNS, 512,
                marks=long_form, id=f"{reference}{'-heavy' if heavy else ''}",
            )
            for reference in (500, 2_000, 10_000)
            for heavy in (False, True)
        ),
    ],
)  # fmt: skip
def test_false_alarms_at_every_size(
    reference: int, nights: list[int], heavy: bool, runs: int, dimension: int
) -> None:
    study, first = benchmark("drift_calm"), 1_000_000 + reference
    p_values = study.calm_p_values(
        reference, nights, range(first, first + runs), dimension=dimension, heavy=heavy
    )
    for night, values in p_values.items():
        alarms = int(np.sum(np.array(values) <= 0.05))
        PRINTER.print(f"{reference} x {night}, heavy {heavy}: {alarms} alarms in {runs}")
        assert at_least(0.05, runs) <= alarms <= at_most(0.05, runs), night


TARGETS = {
    200: {"new 10": 0.98, "new 5": 0.90, "scale": 0.98, "mean .03": 0.98, "prior": 0.92,
          "sparse": 0.92},
    1_000: dict.fromkeys(("new 10", "new 5", "scale", "mean .03", "prior", "sparse"), 0.99),
}  # fmt: skip


@pytest.mark.parametrize(
    ("night", "runs"),
    [
        pytest.param(1_000, 1, id="short"),
        pytest.param(200, max(RUNS // 5, 20), marks=long_form, id="200"),
        pytest.param(1_000, max(RUNS // 5, 20), marks=long_form, id="1000"),
    ],
)
def test_power_on_fresh_seeds(night: int, runs: int) -> None:
    study = benchmark("drift_power")
    rates = study.power(10_000, night, runs, 2_000_000)
    PRINTER.print(study.power_table({night: rates}, f"reference 10,000, {runs} runs a cell"))
    for name, target in TARGETS[night].items():
        assert rates[name] * runs >= at_least(target, runs), name


@pytest.mark.parametrize(
    "cases",
    [pytest.param(12, id="short"), pytest.param(max(RUNS // 2, 200), marks=long_form, id="long")],
)
def test_causes_are_named(cases: int) -> None:
    result = benchmark("drift_cause").evaluate(91_000, cases)
    PRINTER.print(result)
    assert result["confident_and_wrong"] * cases <= at_most(0.05, cases)
    assert np.trace(result["confusion"]) >= at_least(0.8, cases)
    assert result["macro_f1"] >= (0.8 if cases >= 200 else 0.5)


@pytest.mark.parametrize(
    "months", [pytest.param(3, id="short"), pytest.param(RUNS, marks=long_form, id="long")]
)
def test_calm_months_stay_within_the_budget(months: int, tmp_path: Path) -> None:
    study = benchmark("drift_month")
    counts: dict[str, dict[str, int]] = {}
    study.add_months(counts, "calm", months, tmp_path / "counts.json")
    PRINTER.print(study.table_of(counts))
    assert counts["calm"]["paged"] <= at_most(0.10, months)


@pytest.mark.parametrize("kind", ["persistent", "growing"])
@pytest.mark.slow
@pytest.mark.timeout(0)
def test_slow_drift_is_caught_by_the_longer_windows(kind: str, tmp_path: Path) -> None:
    study, months = benchmark("drift_month"), max(RUNS // 10, 20)
    counts: dict[str, dict[str, int]] = {}
    study.add_months(counts, kind, months, tmp_path / "counts.json")
    PRINTER.print(study.table_of(counts))
    assert counts[kind]["paged"] >= at_least(0.8, months)
    assert counts[kind]["paged_by_a_night"] < counts[kind]["paged"]


@pytest.mark.parametrize(
    "cases",
    [pytest.param(6, id="short"), pytest.param(max(RUNS // 3, 200), marks=long_form, id="long")],
)
def test_harm_is_not_waved_through(cases: int) -> None:
    study = benchmark("drift_harm")
    found = study.summary([study.case(50_000_000 + number, 40) for number in range(cases)])
    PRINTER.print(study.table_of(found, f"{cases} cases"))
    assert found.waved_through <= at_most(0.05, found.harmful)
    assert found.named >= at_least(0.9, found.harmful)
    assert found.affected_rightly >= at_least(0.7, found.affected)
    assert found.covered >= at_least(0.85, found.intervals // 4) * 4
    assert found.risk_covered >= at_least(0.9, found.cases)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_harm_is_named_on_rendered_photos(tmp_path: Path) -> None:
    harm, photos = benchmark("drift_harm"), benchmark("harm_pool")
    study, pool = benchmark("drift_harm_photos"), photos.Pool.at(tmp_path / "photos.npz")
    seeds = range(60_000_000, 60_000_000 + max(RUNS, 200))
    found = harm.summary([study.random_night(pool, seed).judged(seed, 20) for seed in seeds])
    PRINTER.print(harm.table_of(found, f"{len(seeds)} nights of rendered photos"))
    assert found.waved_through <= at_most(0.05, found.harmful)
    assert found.named >= at_least(0.9, found.harmful)
    assert found.affected_rightly >= at_least(0.7, found.affected)


def day_benchmark(name: str) -> ModuleType:
    """Studies of days import one another by name."""
    for needed in ("drift_days", "drift_windows"):
        if needed not in sys.modules:
            benchmark(needed)
    return benchmark(name)


@pytest.mark.parametrize(
    ("worlds", "conditions", "photos"),
    [
        pytest.param(1, ["none", "both", "tails t4"], (240,), id="short"),
        pytest.param(max(RUNS // 10, 10), None, (240, 1_000), marks=long_form, id="long"),
    ],
)
def test_days_that_differ_seldom_alarm(
    worlds: int, conditions: list[str] | None, photos: tuple[int, ...]
) -> None:
    study = day_benchmark("drift_days")
    totals: dict[tuple[int, int], np.ndarray] = {}
    for seed in range(61_900_000, 61_900_000 + worlds):
        world = study.World.random(seed, study.DIMENSION)
        for condition in conditions or study.CONDITIONS:
            nights = study.Nights.of(world, study.CONDITIONS[condition], (seed,))
            for size in photos:
                found = study.counted(study.sketches(nights, size), (3, 28))
                for k in (3, 28):
                    add = np.array(found[str(k)]["calm"])
                    totals[k, size] = totals.get((k, size), np.zeros(3, int)) + add
    for (k, size), (paged, alarms, count) in totals.items():
        PRINTER.print(f"{k} days, {size} photos: {paged} and {alarms} of {count} calm nights")
        assert paged <= at_most(0.006 if k == 3 else 0.003, count)
        assert alarms <= at_most(0.08, count)


@pytest.mark.parametrize(
    "worlds", [pytest.param(1, id="short"), pytest.param(60, marks=long_form, id="long")]
)
def test_shifts_are_found_beside_days(worlds: int) -> None:
    study = day_benchmark("drift_days")
    targets = {("none", 28, 1_000): ("new 10%", 0.98), ("none", 3, 240): ("new 20%", 0.80)}
    for cell, (shift, target) in targets.items():
        seeds = range(61_910_000, 61_910_000 + worlds)
        found, nights = np.sum([study.found_in(s, *cell)[shift] for s in seeds], axis=0)
        PRINTER.print(f"{cell}: {shift} found in {found} of {nights}")
        assert found >= at_least(target, nights)


@pytest.mark.parametrize(
    "worlds", [pytest.param(1, id="short"), pytest.param(RUNS // 20, marks=long_form, id="long")]
)
def test_weeks_beside_days_that_resemble_their_neighbours(worlds: int) -> None:
    study = day_benchmark("drift_windows")
    seeds = range(62_900_000, 62_900_000 + worlds)
    found = [study.counted(seed, "mean 1%, .5") for seed in seeds]
    calm, new = (np.sum([one[kind] for one in found], axis=0) for kind in ("calm", "new 5%"))
    PRINTER.print(f"weeks: {calm[0]} of {calm[1]} calm ones alarm, new 5% {new[0]} of {new[1]}")
    assert calm[0] <= at_most(0.015, calm[1])
    assert new[0] >= at_least(0.90, new[1])


@pytest.mark.parametrize(
    "worlds", [pytest.param(1, id="short"), pytest.param(50, marks=long_form, id="long")]
)
def test_incidents_end_by_calm_only_if_their_cause_did(worlds: int) -> None:
    study = day_benchmark("drift_recovery")
    seeds = range(63_900_000, 63_900_000 + worlds)
    found = [study.counted(seed, *study.CELLS["both, 28 days"]) for seed in seeds]
    runs, ended, stays = (sum(one[name] for one in found) for name in ("runs", "ended", "stays"))
    PRINTER.print(f"{ended} of {runs} ended incidents close, {stays} of those that stay")
    assert ended >= at_least(0.8, runs)
    assert stays <= at_most(0.05, runs)


@pytest.mark.parametrize(
    "months", [pytest.param(1, id="short"), pytest.param(RUNS // 2, marks=long_form, id="long")]
)
def test_calm_months_of_days_that_differ_seldom_page(months: int) -> None:
    study = day_benchmark("drift_day_months")
    paged = sum(any(study.pages(seed).values()) for seed in range(64_900_000, 64_900_000 + months))
    PRINTER.print(f"{paged} of {months} calm months page")
    assert paged <= at_most(0.10, months)
