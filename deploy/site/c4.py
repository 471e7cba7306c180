"""Draw the C4 diagrams of ``docs/explanation/architecture.yml``: ``python deploy/site/c4.py``.

Writes ``docs/images/c4-*.svg``, which stand in the repository so that every reader sees them.
"""

import textwrap
from html import escape
from math import hypot
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).resolve().parents[2] / "docs"
SOURCE = DOCS / "explanation" / "architecture.yml"
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN, HEAD = 184, 88, 252, 158, 24, 40
FILLS = {
    "person": "#5d4037",
    "system": "#1565c0",
    "container": "#1976d2",
    "job": "#607d8b",
    "store": "#2e7d32",
    "external": "#757575",
}
FONT = 'font-family="system-ui, sans-serif"'
Point = tuple[float, float]


def main() -> None:
    """Write every drawing."""
    for name, text in drawings().items():
        (DOCS / "images" / name).write_text(text, encoding="utf-8")


def drawings() -> dict[str, str]:
    """The SVG of each diagram, by the name of its file."""
    source = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return {f"c4-{name}.svg": drawn(diagram) for name, diagram in source.items()}


def drawn(diagram: dict[str, Any]) -> str:
    boxes = diagram["boxes"]
    columns, rows = (max(box["at"][axis] for box in boxes.values()) for axis in (0, 1))
    width = 2 * MARGIN + WIDTH + columns * ACROSS
    height = 2 * MARGIN + HEAD + HEIGHT + rows * DOWN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT} '
        f'role="img" aria-label="{escape(diagram["title"])}">\n'
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>\n'
        f'<text x="{MARGIN}" y="{MARGIN + 14}" font-size="17" font-weight="600" fill="#222">'
        f"{escape(diagram['title'])}</text>\n"
    )
    lines, labels = zip(*(relation(boxes, *one) for one in diagram["relations"]), strict=True)
    shapes = [box(name, **one) for name, one in boxes.items()]
    return head + "\n".join([*lines, *shapes, *labels]) + "\n</svg>\n"


def box(name: str, *, kind: str, at: list[int], text: str) -> str:
    x, y = MARGIN + at[0] * ACROSS, MARGIN + HEAD + at[1] * DOWN
    words = textwrap.wrap(text, 27)
    parts = [
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="{22 if kind == "person" else 5}" fill="{FILLS[kind]}"/>',
        _line(x + WIDTH / 2, y + 20, name, 'font-size="14" font-weight="600"'),
        _line(x + WIDTH / 2, y + 34, f"[{kind}]", 'font-size="10" opacity=".85"'),
    ]
    parts += [
        _line(x + WIDTH / 2, y + 51 + 14 * number, line, 'font-size="11.5"')
        for number, line in enumerate(words)
    ]
    return "".join(parts)


def _line(x: float, y: float, text: str, style: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" fill="#fff" {style}>{escape(text)}</text>'
    )


def relation(
    boxes: dict[str, Any], source: str, target: str, text: str, more: dict[str, float] | None = None
) -> tuple[str, str]:
    """The arrow, and its label."""
    start, end = (_centre(boxes[name]["at"]) for name in (source, target))
    bend = (more or {}).get("bend", 0.0)
    length = hypot(end[0] - start[0], end[1] - start[1])
    aside = (-(end[1] - start[1]) / length * bend, (end[0] - start[0]) / length * bend)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    control = (middle[0] + 2 * aside[0], middle[1] + 2 * aside[1])
    first, last = _border(start, control if bend else end), _border(end, control if bend else start)
    through = (middle[0] + aside[0], middle[1] + aside[1])
    if not bend:
        along = (more or {}).get("along", 0.5)
        through = (
            first[0] + (last[0] - first[0]) * along,
            first[1] + (last[1] - first[1]) * along,
        )
    curve = f"Q{control[0]:.0f} {control[1]:.0f} " if bend else "L"
    path = f"M{first[0]:.0f} {first[1]:.0f}{curve}{last[0]:.0f} {last[1]:.0f}"
    line = f'<path d="{path}" fill="none" stroke="#555" stroke-width="1.4" marker-end="url(#end)"/>'
    label = (
        f'<text x="{through[0]:.0f}" y="{through[1] + 4:.0f}" text-anchor="middle" font-size="11" '
        f'fill="#222" stroke="#fff" stroke-width="4" paint-order="stroke">{escape(text)}</text>'
    )
    return line, label


def _centre(at: list[int]) -> Point:
    return (
        MARGIN + at[0] * ACROSS + WIDTH / 2,
        MARGIN + HEAD + at[1] * DOWN + HEIGHT / 2,
    )


def _border(centre: Point, towards: Point) -> Point:
    """Where the line from a box's centre leaves the box."""
    across, down = towards[0] - centre[0], towards[1] - centre[1]
    scale = min(
        (WIDTH / 2 + 3) / abs(across) if across else float("inf"),
        (HEIGHT / 2 + 3) / abs(down) if down else float("inf"),
    )
    return centre[0] + across * scale, centre[1] + down * scale


if __name__ == "__main__":
    main()
