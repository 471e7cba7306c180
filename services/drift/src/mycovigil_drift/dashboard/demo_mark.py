"""Marks the pages while the demo model is in production."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import exists, select

from mycovigil.db.model import Model, ModelStatus
from mycovigil_drift.session import Database, database


def mark(request: Request, found: Annotated[Database, Depends(database)]) -> None:
    """Let ``render`` know whether the production model is the demo model; a dependency of pages.

    Its session ends before the page opens one: a request holds one connection at a time.
    """
    if request.method not in {"GET", "HEAD"}:
        return
    demo = exists().where(Model.demo, Model.status == ModelStatus.PRODUCTION)
    with found.reads() as session:
        request.state.demo = session.scalar(select(demo))


DemoMark = Depends(mark)
