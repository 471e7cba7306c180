"""Nights whose labels contradict the certificate's bound, and that later nights do not outweigh.

One night proves nothing, for one in twenty contradicts a bound that is just kept: it puts the
certificate in doubt, as long as all labels since that night contradict the bound together.
"""

import datetime
import uuid
from dataclasses import dataclass
from itertools import accumulate

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport
from mycovigil_statistics.safety.proportions import lower_bound
from mycovigil_worker.judging.judged_window import PLANNED

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Night:
    """``missed`` of ``specimens`` deadly ones with a label that counts."""

    start: datetime.datetime
    missed: int
    specimens: int

    def contradicts(self, bound: float) -> bool:
        """The lower 95% bound of the share that is missed lies above ``bound``."""
        return self.specimens > 0 and lower_bound(self.missed, self.specimens, ALPHA) > bound

    def joined(self, later: "Night") -> "Night":
        return Night(self.start, self.missed + later.missed, self.specimens + later.specimens)


def doubt(nights: list[Night], bound: float) -> str | None:
    """Why the bound is in doubt, by the latest night that contradicts it; None if none stands.

    Args:
        nights: in the order of time.
    """
    since = list(accumulate(reversed(nights), lambda later, night: night.joined(later)))
    for night, all_since in zip(reversed(nights), since, strict=True):
        if night.contradicts(bound) and all_since.contradicts(bound):
            return (
                f"by their labels {night.missed} of {night.specimens} deadly specimens were missed "
                f"in the night of {night.start:%Y-%m-%d %H:%M} UTC, where at most {bound:.0%} are "
                "promised"
            )
    return None


def nights_of(session: Session, model_id: uuid.UUID) -> list[Night]:
    """The nights of a model with a deadly specimen labelled at random, in the order of time.
    Figures of earlier releases, which counted labels that callers chose, are left out."""
    found = DriftReport.realised["deadly_specimens"]
    rows = session.execute(
        select(DriftReport.window_start, found["missed"].as_integer(), found["count"].as_integer())
        .where(
            DriftReport.model_id == model_id,
            DriftReport.origin.in_(PLANNED),
            DriftReport.periods == 1,
            DriftReport.realised["chosen_at_random"].as_boolean(),
            found["count"].as_integer() > 0,
        )
        .order_by(DriftReport.window_start)
    )
    return [Night(start, missed, count) for start, missed, count in rows]
