"""The two pictures of docs/how-it-decides.md: `python benchmarks/how_it_decides.py docs/images`.

The first shows real p-values of simulated nights: fourteen accepted days, then nights that differ
as these days do, then a drift. The second shows the life of a baseline.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil_statistics import fit, judge
from mycovigil_statistics.drift import FeatureGeometry, judge_days

DIMENSION, PHOTOS, DAYS, CALM, DRIFTED = 16, 240, 14, 14, 4
# Standard deviations of a photo's features by which days, and then the drift, move their means.
DAY_EFFECT, DRIFT = 0.14, 0.45
LEVEL, FLOOR = 0.00067, 1e-5
WIDTH, LEFT, RIGHT, TOP, PLOT = 760, 120, 20, 46, 200
INK, MUTED, GOOD, BAD, LINE = "#29261b", "#6d6656", "#2b7a5b", "#b3382c", "#d9d3c3"
FONT = "font-family='system-ui, sans-serif'"


def night(rng: np.random.Generator, drift: float = 0.0) -> NDArray[np.float64]:
    """Photos of one night: its own weather, and what drifted."""
    return rng.standard_normal((PHOTOS, DIMENSION)) + rng.normal(0, DAY_EFFECT, DIMENSION) + drift


def p_values(seed: int = 20_261_130) -> list[tuple[float, float, bool]]:
    """By photos beside a fixed reference, by days, and whether it drifted, night by night."""
    rng = np.random.default_rng(seed)
    reference = rng.standard_normal((2_000, DIMENSION))
    fitted, geometry = fit(reference), FeatureGeometry.fit(reference, seed=seed)
    days = [geometry.sketch(night(rng)) for _ in range(DAYS)]
    found = []
    for number in range(CALM + DRIFTED):
        drifted = number >= CALM
        photos = night(rng, DRIFT if drifted else 0.0)
        by_days = judge_days([geometry.sketch(photos)], baseline=days, seed=seed).p_value
        found.append((judge(fitted, photos).p_value, by_days, drifted))
    return found


def text(x: float, y: float, words: str, colour: str = MUTED, anchor: str = "start") -> str:
    return (
        f"<text x='{x:.0f}' y='{y:.0f}' fill='{colour}' {FONT} font-size='13' "
        f"text-anchor='{anchor}'>{words}</text>"
    )


def height(p_value: float) -> float:
    """Down for calm, up for strange; the scale is logarithmic."""
    share = np.log10(max(p_value, FLOOR)) / np.log10(FLOOR)
    return TOP + PLOT * (1 - float(share))


def nights_picture() -> str:
    """Nights by both tests: open circles by photos, filled ones by days."""
    found = p_values()
    step = (WIDTH - LEFT - RIGHT) / len(found)
    parts = [
        f"<rect x='{LEFT + CALM * step:.0f}' y='{TOP - 10}' width='{DRIFTED * step:.0f}' "
        f"height='{PLOT + 20}' fill='#f6e3df'/>",
        text(LEFT + (CALM + DRIFTED / 2) * step, TOP - 18, "drift", BAD, "middle"),
        text(LEFT, TOP - 18, "nights that differ as days do"),
        f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{height(LEVEL):.0f}' "
        f"y2='{height(LEVEL):.0f}' stroke='{BAD}' stroke-dasharray='5 4'/>",
        text(LEFT - 8, height(LEVEL) + 4, "pages above", BAD, "end"),
    ]
    for power in (0, 1, 2, 3, 4, 5):
        y = height(10.0**-power)
        parts.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.0f}' y2='{y:.0f}' "
                     f"stroke='{LINE}'/>")  # fmt: skip
        if power not in {3}:
            parts.append(text(LEFT - 8, y + 4, f"p = {10.0**-power:g}", MUTED, "end"))
    for number, (by_photos, by_days, _) in enumerate(found):
        x = LEFT + (number + 0.5) * step
        parts.append(f"<circle cx='{x:.0f}' cy='{height(by_photos):.0f}' r='5' fill='none' "
                     f"stroke='{MUTED}' stroke-width='2'/>")  # fmt: skip
        colour = BAD if max(by_photos, by_days) <= LEVEL else GOOD
        parts.append(f"<circle cx='{x:.0f}' cy='{height(by_days):.0f}' r='5' fill='{colour}'/>")
    below = TOP + PLOT + 34
    parts += [
        f"<circle cx='{LEFT + 6}' cy='{below - 4}' r='5' fill='none' stroke='{MUTED}' "
        "stroke-width='2'/>",
        text(LEFT + 18, below, "by photos, beside one fixed set"),
        f"<circle cx='{LEFT + 266}' cy='{below - 4}' r='5' fill='{GOOD}'/>",
        text(LEFT + 278, below, "by days, beside 14 accepted days"),
    ]
    return picture(parts, TOP + PLOT + 50, "Nights judged by photos and by days")


def baseline_picture() -> str:
    """Learning, growing, standing still, an incident, and a new baseline after its acceptance."""
    spans = [
        (3, "learning", "#cfc8b4", "never pages"),
        (25, "growing", "#bcd8ca", "each day that did not page enters"),
        (14, "stands still", "#8fc0aa", "28 days: outliers are shown"),
        (6, "incident", "#e5aaa2", "nothing enters"),
        (3, "learning", "#cfc8b4", ""),
        (9, "new baseline", "#bcd8ca", "of its own days"),
    ]
    total = sum(length for length, *_ in spans)
    unit, x, y = (WIDTH - 40) / total, 20.0, 60
    parts = []
    for number, (length, name, colour, note) in enumerate(spans):
        width = length * unit
        parts.append(f"<rect x='{x:.0f}' y='{y}' width='{width - 2:.0f}' height='40' rx='4' "
                     f"fill='{colour}'/>")  # fmt: skip
        above = number % 2 == 0
        parts.append(text(x, y - 12 if above else y + 60, name, INK))
        parts.append(text(x, y - 28 if above else y + 78, note))
        x += width
    ends = "A model that learned from the drifted days, or a person, begins a new baseline; "
    parts.append(text(20, 168, f"{ends}the old one is kept."))
    return picture(parts, 184, "The life of a baseline")


def picture(parts: list[str], tall: float, title: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {tall:.0f}' role='img'>"
        f"<title>{title}</title><rect width='100%' height='100%' fill='#fffdf7'/>"
        + "".join(parts)
        + "</svg>\n"
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "decides-nights.svg").write_text(nights_picture())
    (folder / "decides-baseline.svg").write_text(baseline_picture())
