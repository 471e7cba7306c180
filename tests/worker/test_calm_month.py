"""End to end through the worker: days that differ page nobody, a drift pages once."""

import datetime

import numpy as np
import pytest
from factories.night import DIMENSION, FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select

from mycovigil.db.alert import Alert, AlertKind
from mycovigil.db.report import DriftReport
from mycovigil_worker.nights import nightly
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
ROWS = 60
SEED = 20_261_130
# Standard deviation of a day's effect on the mean of each feature: a photo's is 1. The exact test
# on rows beside any fixed set of rows alarms in most such nights.
DAY_EFFECT = 0.14
DRIFT_DAY = 12


def play(state: State, nights: int, *, drift: float = 0.0) -> list[DriftReport]:
    """Nights with day effects, judged one by one as they end; from day 12 on ``drift`` is added to
    every feature. Returns the single nights' reports."""
    rng = np.random.default_rng(SEED)
    with state.sessions.begin() as session:
        served = make_served(session)
    for number in range(nights):
        effect = rng.normal(0, DAY_EFFECT, DIMENSION) + (drift if number >= DRIFT_DAY else 0)
        with state.sessions.begin() as session:
            make_night(session, served, night_of(number), rows=ROWS, shift=effect)
        nightly.run(state, now=FIRST + (number + 1) * PERIOD + datetime.timedelta(hours=1))
    with state.sessions() as session:
        found = select(DriftReport).where(DriftReport.periods == 1)
        return list(session.scalars(found.order_by(DriftReport.window_end)))


def pages(state: State) -> list[datetime.datetime]:
    """Ends of the windows that opened an incident."""
    with state.sessions() as session:
        rows = session.execute(
            select(DriftReport.window_end)
            .join(Alert, Alert.report_id == DriftReport.id)
            .where(Alert.kind == AlertKind.OPENED)
        )
        return [end for (end,) in rows]


@pytest.mark.whole
def test_a_drift_on_day_12_pages_once_by_day_14_and_no_day_before_it(state: State) -> None:
    found = play(state, DRIFT_DAY + 2, drift=0.7)
    assert [row.verdict for row in found[:DRIFT_DAY]] == ["learning"] * 3 + ["calm"] * 9
    (page,) = pages(state)
    assert FIRST + DRIFT_DAY * PERIOD < page <= FIRST + (DRIFT_DAY + 2) * PERIOD
    by_rows_alone = [row.evidence["skew"]["p_value"] <= 0.05 for row in found[:DRIFT_DAY]]
    assert sum(by_rows_alone) >= 6  # what the exact test beside a fixed set would do


@pytest.mark.slow
def test_a_calm_month_with_day_effects_pages_nobody(state: State) -> None:
    found = play(state, 31)
    assert "drift" not in {row.verdict for row in found}
    assert pages(state) == []
