"""Which candidate may serve, and which of these is the quickest: the rules, on measured figures.

Features of a cheaper engine are allowed if they are nearly those of fp32 (`LEAST_COSINE`, after
subtracting the mean: features of different photos are alike, so plain cosine flatters) and if a
head says the same on them (`MOST_CHANGED`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from mycovigil.vision.encoder.choice import Candidate, Choice

LEAST_COSINE = 0.998
MOST_CHANGED = 1 / 1_000
REFERENCE = "fp32"


def judged(candidate: Candidate, photos: int, most_changed: float = MOST_CHANGED) -> Candidate:
    """The candidate with the reason why it may not serve, if there is one."""
    if candidate.refused or candidate.precision == REFERENCE:
        return candidate
    return candidate.model_copy(update={"refused": _reason(candidate, photos, most_changed)})


def quickest(candidates: Sequence[Candidate]) -> Candidate:
    """The eligible candidate of the least CPU time an image in batches."""
    eligible = [one for one in candidates if not one.refused and one.cpu_ms is not None]
    return min(eligible, key=lambda one: one.cpu_ms or 0.0)


def _reason(candidate: Candidate, photos: int, most_changed: float) -> str:
    cosine, changed = candidate.centred_cosine_min, candidate.changed
    if cosine is None or not cosine >= LEAST_COSINE:  # NaN is refused too
        return f"least centred cosine to fp32 is {_figure(cosine, '.4f')}, below {LEAST_COSINE}"
    if changed is None or changed > most_changed * photos:
        allowed = f"{1_000 * most_changed:g} in 1,000"
        return f"{changed} of {photos} predictions changed, more than {allowed}"
    return ""


def table(choice: Choice) -> Table:
    """For a terminal: one line a candidate."""
    photos = "simulated photos, for want of real ones" if choice.simulated else "real photos"
    shown = Table(
        title=f"engine: {choice.photos} {photos}; head: {choice.head}",
        caption=f"CPU ms an image on one thread of {choice.machine}; "
        f"at most {1_000 * choice.most_changed:g} changed predictions in 1,000 are allowed",
    )
    for name in ("candidate", "runtime", "batch of 8", "alone", "cosine", "least", "changed"):
        shown.add_column(name, justify="left" if name in {"candidate", "runtime"} else "right")
    shown.add_column("verdict")
    for one in choice.candidates:
        verdict = one.refused or ("chosen" if one.precision == choice.chosen else "eligible")
        shown.add_row(
            one.precision,
            one.runtime,
            _figure(one.cpu_ms, ".2f"),
            _figure(one.cpu_ms_alone, ".2f"),
            _figure(one.centred_cosine_mean, ".5f"),
            _figure(one.centred_cosine_min, ".5f"),
            _figure(one.changed, "d"),
            verdict,
        )
    return shown


def _figure(value: float | None, shape: str) -> str:
    return "-" if value is None else format(value, shape)
