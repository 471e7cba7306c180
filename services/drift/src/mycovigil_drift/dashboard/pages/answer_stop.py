"""The forms that stop all answers, and let the product answer again."""

from fastapi import APIRouter, Response

from mycovigil_drift.dashboard.form import FormSender, Reason, redirect
from mycovigil_drift.resources import answer_stop
from mycovigil_drift.session import Writing

router = APIRouter(prefix="/answer-stop", include_in_schema=False)


@router.post("")
def stop(reason: Reason, session: Writing, sender: FormSender) -> Response:
    answer_stop.begin(session, who=sender.name, reason=reason)
    return redirect("/", "answers-stopped")


@router.post("/end")
def resume(reason: Reason, session: Writing, sender: FormSender) -> Response:
    answer_stop.end(session, who=sender.name, reason=reason)
    return redirect("/", "answers-resumed")
