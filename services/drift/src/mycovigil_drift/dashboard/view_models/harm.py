"""Harm of a drift: figures with intervals, estimated without labels or measured with them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mycovigil.db.report import DriftReport
from mycovigil_drift.dashboard import formats

NAMES = {
    "deadly": "deadly photos among all",
    "novel": "photos of novel species",
    "risk": "deadly photos answered as harmless",
    "deadly_called_edible": "deadly photos called edible",
    "deadly_missed": "deadly photos missed",
    "macro_recall": "recall, mean of the classes",
    "recall": "recall, mean of the classes",
}
# Order of the figures: errors before shares.
ORDER = (
    "deadly_called_edible",
    "risk",
    "deadly_missed",
    "macro_recall",
    "recall",
    "deadly",
    "novel",
)
HEADLINES = {
    "affected": "Yes, safety is affected",
    "not_affected": "No sign of harm",
    "unknown": "Not known",
}
UNLABELLED = (
    "Estimated without labels; labels that arrive later replace the estimate. Intervals of shares "
    "and of recall hold where nothing but the classes' shares moved, none where species come that "
    "the model never learned."
)
# The scale ends this much beyond the largest number.
MARGIN = 1.15


@dataclass(frozen=True, slots=True)
class Figure:
    """A share with its interval; ``reference``: the share before, if known. ``x``, ``left``,
    ``width`` and ``mark`` are in percent of the common scale's width."""

    name: str
    value: float
    low: float
    high: float
    reference: float | None
    x: float
    left: float
    width: float
    mark: float | None


@dataclass(frozen=True, slots=True)
class Harm:
    """``realised``: measured with labels; ``coverage``: of the intervals."""

    state: str
    headline: str
    figures: list[Figure]
    realised: bool
    coverage: str
    note: str


def of_report(report: DriftReport) -> Harm | None:
    """The harm that a report measured or estimated; ``None`` if neither."""
    found = report.evidence.get("harm")
    state = str((found or {}).get("safety", "unknown"))
    if _counts(report.realised or {}):
        assert report.realised is not None
        return Harm(
            state,
            _headline(report.realised),
            _placed(_realised(report.realised)),
            realised=True,
            coverage="95%",
            note=_labelled(report.realised),
        )
    uncounted = _uncounted(report.realised or {})
    if found is None:
        headline = HEADLINES["unknown"]
        return Harm(state, headline, [], False, "90%", uncounted) if uncounted else None
    figures = _placed(_estimated(found))
    note = " ".join(filter(None, (UNLABELLED, _one_client(report), uncounted)))
    return Harm(state, HEADLINES.get(state, formats.plain(state)), figures, False, "90%", note)


def _counts(realised: dict[str, Any]) -> bool:
    """Whether any label counts: those of earliest releases do not say how they were chosen."""
    at_random = realised.get("chosen_at_random")
    return bool(realised) and (at_random is None or (at_random and realised["labelled"] > 0))


def _uncounted(realised: dict[str, Any]) -> str:
    """How many photos have a label that no figure counts."""
    chosen = 0 if realised.get("chosen_at_random") else realised.get("labelled", 0)
    if not (others := chosen + realised.get("not_counted", 0)):
        return ""
    photos = "1 photo has" if others == 1 else f"{formats.count(others)} photos have"
    return (
        f"{photos} a label and {'was' if others == 1 else 'were'} not chosen at random: models "
        "learn from such labels, and no figure counts them."
    )


def _one_client(report: DriftReport) -> str:
    """Why the certificate is as it was, where one client's refused photos are all that drifted."""
    found = report.evidence.get("one_client")
    if not found:
        return ""
    return (
        f"{formats.share(found['refused'])} of the photos of client {found['client']} are refused, "
        f"and at most {formats.share(found['others_high'])} of all others'. Without them the "
        f"window is like the baseline's days (p = {found['p_days']:.2g}): answers to others, and "
        "the certificate, are what they were."
    )


def in_words(harm: Harm) -> str:
    """The first figure in words, for pages that do not draw them."""
    parts = [
        f"{figure.name} {_before(figure)}{formats.share(figure.value)} "
        f"({harm.coverage} interval {formats.share(figure.low)} to {formats.share(figure.high)})"
        for figure in harm.figures[:1]
    ]
    return "; ".join(parts)


def _before(figure: Figure) -> str:
    return "" if figure.reference is None else f"{formats.share(figure.reference)} → "


def _headline(realised: dict[str, Any]) -> str:
    deadly = realised.get("deadly") or {}
    if not deadly.get("count"):
        return "No deadly photo among the labelled ones"
    return f"{deadly['missed']} of {deadly['count']} deadly photos were missed"


def _labelled(realised: dict[str, Any]) -> str:
    labelled, rows = realised.get("labelled"), realised.get("rows")
    measured = (
        f"Measured on {formats.count(labelled)} of {formats.count(rows)} photos with a label"
        f"{_choice(realised)}."
    )
    proof = realised.get("proof")
    known = realised.get("chosen_at_random") is not None
    return f"{measured} {_evidence(proof, at_random=known)}" if proof else measured


def _choice(realised: dict[str, Any]) -> str:
    """How the labelled photos were chosen; earlier reports do not say."""
    if realised.get("chosen_at_random") is None:
        return ""
    left_out = realised.get("not_counted")
    others = f" ({formats.count(left_out)} others, not chosen so, do not count)" if left_out else ""
    return f", chosen at random{others}"


def _evidence(proof: dict[str, Any], *, at_random: bool) -> str:
    """The e-value of all labels of the model: those of one night are few."""
    e_value = _rounded(proof["e_value"])
    random = ", of those chosen at random" if at_random else ""
    return (
        f"E-value of all {formats.count(proof['specimens'])} labelled deadly specimens of this "
        f"model so far{random}: {e_value}; at {proof['needed']:.0f} the certified bound is "
        "rejected."
    )


def _rounded(e_value: float) -> str:
    """Down, so that one just below the limit does not read as if it had reached it."""
    if e_value > 1_000:
        return "more than 1,000"
    return f"{math.floor(10 * e_value) / 10:g}" if e_value >= 10 else f"{e_value:.2g}"


def _position(item: tuple[str, Any]) -> int:
    return ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)


Interval = tuple[str, float, float, float, float | None]


def _estimated(found: dict[str, Any]) -> Iterator[Interval]:
    shares = found.get("shares")
    by_class = {f"share_of_{name}": share for name, share in shares.items()} if shares else {}
    for key, share in sorted((found | by_class).items(), key=_position):
        if not isinstance(share, dict) or "low" not in share:
            continue
        value = next((share[k] for k in ("night", "value", "estimate") if k in share), None)
        if value is not None:
            name = NAMES.get(key, formats.plain(key))
            yield name, value, share["low"], share["high"], share.get("reference")


def _realised(found: dict[str, Any]) -> Iterator[Interval]:
    deadly, macro = found.get("deadly") or {}, found.get("macro_recall") or {}
    if deadly.get("rate") is not None:
        yield NAMES["deadly_missed"], deadly["rate"], deadly["low"], deadly["high"], None
    if macro.get("value") is not None:
        yield NAMES["macro_recall"], macro["value"], macro["low"], macro["high"], None
    for name, recall in (found.get("recall") or {}).items():
        if recall and recall.get("rate") is not None:
            title = f"recall of {formats.plain(name)}"
            yield title, recall["rate"], recall["low"], recall["high"], None


def _placed(intervals: Iterator[Interval]) -> list[Figure]:
    """All figures on one scale, from 0 to a little beyond the largest number."""
    found = list(intervals)
    most = max([high for *_, high, _ in found] + [r for *_, r in found if r is not None] + [1e-9])
    scale = 100 / min(most * MARGIN, 1.0)
    return [
        Figure(
            name,
            value,
            low,
            high,
            reference,
            x=round(value * scale, 2),
            left=round(low * scale, 2),
            width=round(max(high - low, 0.0) * scale, 2),
            mark=None if reference is None else round(reference * scale, 2),
        )
        for name, value, low, high, reference in found
    ]
