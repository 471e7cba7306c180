"""The problems that only the predictor has."""

import datetime

from mycovigil.problem import Problem


def no_model(trouble: str | None = None) -> Problem:
    """Nothing is served: ``trouble`` says why, or no model was trained yet."""
    detail = (
        "No model is in production yet. Run 'mycovigil train' to make the first one; "
        "this service picks it up by itself."
    )
    if trouble:
        detail = f"{trouble}. This service picks it up by itself when it can be loaded."
    return Problem(
        503,
        "no-model",
        "No model in production" if trouble is None else "The model cannot be served",
        detail,
        headers={"Retry-After": "10"},
    )


def busy(seconds: int = 1) -> Problem:
    return Problem(
        429,
        "busy",
        "Too many photos in waiting",
        f"The queue is full. Send the photo again in {seconds} s; an Idempotency-Key makes the "
        "retry safe.",
        headers={"Retry-After": str(seconds)},
    )


def too_late() -> Problem:
    return Problem(
        503,
        "deadline-passed",
        "The deadline passed",
        "The photo could not be classified in time and was not computed. Send it again.",
        headers={"Retry-After": "1"},
    )


def no_room() -> Problem:
    return Problem(
        503,
        "log-full",
        "Predictions cannot be logged",
        "The database takes no rows now, and neither does the local spool. No answer is given "
        "without a row in the log; come back when the database is there again.",
        headers={"Retry-After": "30"},
    )


def too_large(limit: int) -> Problem:
    return Problem(
        413,
        "photo-too-large",
        "The photo is too large",
        f"A photo may have {limit:,} bytes. Send a smaller JPEG.",
        limit_bytes=limit,
    )


def expired(moment: datetime.datetime, days: int) -> Problem:
    return Problem(
        410,
        "prediction-expired",
        "The prediction is deleted",
        f"Predictions of {moment:%Y-%m-%d} are deleted: their rows are kept for {days} days. The "
        "label was not stored, for nothing can be learned from it.",
    )
