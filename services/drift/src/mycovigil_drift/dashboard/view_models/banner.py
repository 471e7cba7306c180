"""The banner of the first screen: the status of production in a headline and a sentence."""

import datetime
from dataclasses import dataclass

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_drift.dashboard import formats, wording
from mycovigil_drift.dashboard.view_models.production import ProductionStatus

# Periods without a new report after which the worker is taken for stopped.
OVERDUE_PERIODS = 3


@dataclass(frozen=True, slots=True)
class Banner:
    """``tone``: colour and sign, see :func:`wording.tone`."""

    headline: str
    tone: str
    detail: str


def banner(
    production: ProductionStatus, now: datetime.datetime, period: datetime.timedelta
) -> Banner:
    """The status in words."""
    if production.model is None:
        detail = "Train the first one: mycovigil train."
        return Banner("No production model", "plain", detail)
    if production.incident is not None:
        return Banner("Drifting", "bad", _drifting(production.incident, now))
    if production.last is None:
        return _not_judged_yet(production.model, now, period)
    if now - production.last.window_end > OVERDUE_PERIODS * period:
        since = formats.duration(now - production.last.window_end)
        detail = f"No night was judged for {since}: is the worker running?"
        return Banner("Not monitored", "broken", detail)
    return _last_night(production.last)


def _last_night(last: DriftReport) -> Banner:
    sentence = wording.sentence(last, "The last night")
    match last.verdict:
        case ReportVerdict.CALM:
            return Banner("Calm", "good", sentence)
        case ReportVerdict.LEARNING:
            return Banner("Learning", "plain", sentence)
        case ReportVerdict.DRIFT:
            return Banner("Drift seen", "bad", sentence)
        case ReportVerdict.INSUFFICIENT if last.rows == 0:
            return Banner("No photos", "unsure", sentence)
        case ReportVerdict.INSUFFICIENT:
            return Banner("Cannot tell", "unsure", f"{sentence} They count with the next night's.")
        case _:
            return Banner("Not judged", "broken", sentence)


def _drifting(incident: Incident, now: datetime.datetime) -> str:
    title, meaning = wording.cause(incident.cause)
    length = formats.duration(now - incident.opened_at)
    return f"For {length}. {title}: {meaning}" if meaning else f"For {length}. {title}."


def _not_judged_yet(model: Model, now: datetime.datetime, period: datetime.timedelta) -> Banner:
    live_for = now - (model.promoted_at or model.created_at)
    if live_for > OVERDUE_PERIODS * period:
        detail = f"Model {model.version} is live, but no night of it was judged: "
        return Banner("Not monitored", "broken", detail + "is the worker running?")
    live = f"Model {model.version} went live {formats.duration(live_for)} ago"
    return Banner("Waiting for a night", "plain", f"{live}; its first night is still to come.")
