"""Reports as CSV: a list with one row per report, or one report with one row per number."""

import csv
import io
from collections.abc import Iterable, Sequence

from fastapi import Response

from mycovigil.db.report import DriftReport

COLUMNS = (
    "id",
    "model_id",
    "reference_set_id",
    "window_start",
    "window_end",
    "periods",
    "origin",
    "verdict",
    "p_value",
    "level",
    "rows",
    "sampled_rows",
    "late_rows",
    "cause",
    "problem",
    "created_at",
)
# First characters of a text that spreadsheets run as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def reports_csv(reports: Iterable[DriftReport]) -> Response:
    return _csv("reports.csv", COLUMNS, (_values(report) for report in reports))


def report_csv(report: DriftReport, metrics: dict[str, float]) -> Response:
    """Columns of the report, then its metrics, as name and value."""
    own = zip(COLUMNS, _values(report), strict=True)
    return _csv(f"report-{report.id}.csv", ("name", "value"), [*own, *metrics.items()])


def _values(report: DriftReport) -> list[object]:
    return [getattr(report, name) for name in COLUMNS]


def _csv(name: str, header: Sequence[str], rows: Iterable[Iterable[object]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv", headers=disposition)


def _cell(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets a quote in front (OWASP, CSV
    injection)."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
