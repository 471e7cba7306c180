"""The time line: p-values of the nights and their level, longer windows, and annotations."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mycovigil.db.report import DriftReport
from mycovigil_drift.dashboard import formats, wording
from mycovigil_drift.dashboard.charts.scale import SurpriseScale, TimeScale, decades_of

LEFT, RIGHT, TOP = 58, 14, 26
LANE = 22
AXIS = 24
# Lanes of annotations without a duration, with the shapes that belong to them.
INSTANT = {"retrains": {"retrain"}, "models": {"promotion", "refusal"}}


@dataclass(frozen=True, slots=True)
class Size:
    """Width of the chart and height of the p-values in pixels, and marks of the time axis."""

    width: int
    plot: int
    ticks: int


WIDE, NARROW = Size(1080, 230, 10), Size(372, 200, 4)


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    verdict: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Span:
    """A bar: a window, or an annotation with a duration."""

    x: float
    width: float
    tone: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An annotation without a duration; ``glyph``: its shape."""

    x: float
    glyph: str
    tone: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """An event in time beside the nights; ``end``: empty if it has no duration."""

    start: datetime.datetime
    end: datetime.datetime | None
    glyph: str
    tone: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A named row below the p-values; ``y``: its middle."""

    name: str
    y: float
    spans: list[Span]
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class Timeline:
    """All coordinates; ``band``: outline of the area of calm, ``level``: its upper edge, ``note``:
    height of its caption, ``changes``: promotions, drawn across the p-values."""

    width: int
    height: float
    left: int
    right: int
    bottom: float
    points: list[Point]
    level: str
    note: float
    band: str
    p_ticks: list[tuple[float, str]]
    time_ticks: list[tuple[float, str]]
    lanes: list[Lane]
    changes: list[Mark]


def layout(
    reports: Sequence[DriftReport], annotations: Sequence[Annotation], size: Size
) -> Timeline | None:
    """The time line of ``reports`` (oldest first); ``None`` without any."""
    nights = [report for report in reports if report.periods == 1] or list(reports)
    if not nights:
        return None
    bottom = TOP + size.plot
    start = min(report.window_start for report in nights)
    end = max(report.window_end for report in nights)
    time = TimeScale(start, end, LEFT + 8, size.width - RIGHT - 8)
    known = [report.p_value for report in nights if report.p_value is not None]
    height = SurpriseScale(bottom - 16, TOP, decades_of(known))
    lanes = _lanes(reports, annotations, time, bottom + AXIS)
    level = _level(nights, time, height)
    return Timeline(
        width=size.width,
        height=bottom + AXIS + LANE * len(lanes) + 6,
        left=LEFT,
        right=size.width - RIGHT,
        bottom=bottom,
        points=[_point(report, time, height, bottom) for report in nights],
        level=_path(level),
        note=level[0][1] + 17 if level else 0.0,
        band=_path([*level, (level[-1][0], bottom), (level[0][0], bottom)]) if level else "",
        p_ticks=height.ticks(),
        time_ticks=time.ticks(size.ticks),
        lanes=lanes,
        changes=[
            _mark(h, time) for h in annotations if h.glyph == "promotion" and h.start >= start
        ],
    )


def _point(report: DriftReport, time: TimeScale, height: SurpriseScale, bottom: float) -> Point:
    y = bottom - 6 if report.p_value is None else height(report.p_value)
    middle = report.window_start + (report.window_end - report.window_start) / 2
    return Point(time(middle), y, report.verdict, _title(report), f"/reports/{report.id}")


def _title(report: DriftReport) -> str:
    window = formats.window(report.window_start, report.window_end)
    return f"{window}: {wording.sentence(report)}"


def _level(
    nights: Sequence[DriftReport], time: TimeScale, height: SurpriseScale
) -> list[tuple[float, float]]:
    """Corners of the alarm level, a step line over the whole width."""
    leveled = [report for report in nights if report.level is not None and report.level > 0]
    if not leveled:
        return []
    heights = [height(report.level or 1.0) for report in leveled]
    corners = [(time.left - 8, heights[0])]
    for (_, before), (report, after) in pairwise(zip(leveled, heights, strict=True)):
        if after != before:
            x = time(report.window_start)
            corners += [(x, before), (x, after)]
    return [*corners, (time.right + 8, heights[-1])]


def _path(corners: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in corners) if corners else ""


def _lanes(
    reports: Sequence[DriftReport],
    annotations: Sequence[Annotation],
    time: TimeScale,
    top: float,
) -> list[Lane]:
    """One lane per length of window beyond a night, then incidents, retrains and models."""
    rows: list[tuple[str, list[Span], list[Mark]]] = [
        (f"{periods} nights", [_window(r, time) for r in reports if r.periods == periods], [])
        for periods in sorted({report.periods for report in reports} - {1})
    ]
    lasting = [annotation for annotation in annotations if annotation.end is not None]
    if lasting:
        rows.append(("incidents", [_span(h, h.end or h.start, time) for h in lasting], []))
    for name, glyphs in INSTANT.items():
        if marks := [_mark(h, time) for h in annotations if h.glyph in glyphs]:
            rows.append((name, [], marks))
    return [
        Lane(name, top + LANE * (number + 0.5), spans, marks)
        for number, (name, spans, marks) in enumerate(rows)
    ]


def _window(report: DriftReport, time: TimeScale) -> Span:
    x, end = time(report.window_start), time(report.window_end)
    tone = wording.tone(report.verdict)
    return Span(x, max(end - x - 2, 3), tone, _title(report), f"/reports/{report.id}")


def _span(annotation: Annotation, end: datetime.datetime, time: TimeScale) -> Span:
    x = time(annotation.start)
    width = max(time(end) - x, 6)
    return Span(
        min(x, time.right - width), width, annotation.tone, annotation.title, annotation.href
    )


def _mark(annotation: Annotation, time: TimeScale) -> Mark:
    x = time(annotation.start)
    return Mark(x, annotation.glyph, annotation.tone, annotation.title, annotation.href)
