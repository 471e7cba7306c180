"""Marks the pages while the demo model is in production, or all answers are stopped."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import exists, select

from mycovigil.db.model import Model, ModelStatus
from mycovigil.models import answer_stop
from mycovigil_drift.session import Database, database


def mark(request: Request, found: Annotated[Database, Depends(database)]) -> None:
    """Let ``render`` know what stands on every page; a dependency of pages.

    Its session ends before the page opens one: a request holds one connection at a time.
    """
    if request.method not in {"GET", "HEAD"}:
        return
    demo = exists().where(Model.demo, Model.status == ModelStatus.PRODUCTION)
    with found.reads() as session:
        request.state.demo = session.scalar(select(demo))
        request.state.answer_stop = answer_stop.in_force(session)


DemoMark = Depends(mark)
