"""Who views a page: what their forms carry, and the notice of what they did last."""

from dataclasses import dataclass

from fastapi import Request

from mycovigil.access import Scope
from mycovigil_drift.access import COOKIE
from mycovigil_drift.dashboard.form import NOTICE, token_of
from mycovigil_web.keys import Caller

NOTICES = {
    "acknowledged": "Noted: you are looking at it.",
    "resolved": "Resolved; the certificate has the status again that calibration supported.",
    "withdrawn": "Withdrawn. Nights are compared without that day from now on.",
    "skew-accepted": "Accepted, for this and all later models on the encoder.",
    "accepted": "Accepted: nights are compared with other days from now on.",
    "silenced": "Silenced. Nights are still judged and shown; no alert goes out.",
    "unsilenced": "The silence has ended.",
    "encoding": 'Days asked for; workers of the queue "retrain" encode them.',
    "retrain": "Retrain requested; the worker starts it within seconds.",
    "retrain-cancelled": "Cancelled; its training is stopped within a minute.",
    "compare": "The worker compares the two; this page shows the result within seconds.",
    "labelled": "Stored. Below is what the model had said.",
    "judge": "The window is being judged; it appears among the nights within seconds.",
    "promoted": "Promoted; the predictors follow within seconds.",
    "answers-stopped": "All answers are stopped; the predictors follow within a second.",
    "answers-resumed": "The product answers again.",
    "brought-back": "Brought back; the predictors follow within seconds.",
    "rolled-back": "Rolled back; the predictors follow within seconds.",
    "reference-made": "A draft was made: check it, compare it, then freeze it.",
    "reference-frozen": "Frozen. Nights of its model and months are compared with it from now on.",
    "reference-retired": "Retired. No further night is compared with it.",
}


@dataclass(frozen=True, slots=True)
class PageViewer:
    """``name``: of the key, empty without a login; ``may_act``, ``may_label``: whether it has the
    scope ``operate``, or ``label``; ``token``: for their forms, empty without a
    cookie; ``notice``: what their last form did, shown once."""

    name: str | None
    may_act: bool
    may_label: bool
    token: str
    notice: str | None

    @classmethod
    def of(cls, request: Request) -> "PageViewer":
        viewer: Caller | None = getattr(request.state, "viewer", None)
        key = request.cookies.get(COOKIE)
        return cls(
            name=viewer.name if viewer else None,
            may_act=viewer is not None and key is not None and Scope.OPERATE in viewer.scopes,
            may_label=viewer is not None and key is not None and Scope.LABEL in viewer.scopes,
            token=token_of(key) if key else "",
            notice=NOTICES.get(request.cookies.get(NOTICE, "")),
        )
