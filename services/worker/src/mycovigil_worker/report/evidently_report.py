"""Evidently's report on the human columns, with our verdict inside it.

Never a table over the embedding's columns: Evidently's drift preset on 512 of them alarms on
every calm night of 50 photos and sees nothing at 1,000 (docs, ``measured.md``).
"""

import os
import uuid
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import Rows
from mycovigil.storage import Storage
from mycovigil.vision.image.covariates import NAMES
from mycovigil_worker.judging.judged_window import Comparison, ReportSpec
from mycovigil_worker.judging.slices import Slices

if TYPE_CHECKING:
    from evidently.core.report import Snapshot

MOST_ROWS = 2_000
# Of one value there is no spread.
FEWEST_VALUES = 2
PROBABILITIES = [f"probability_{name.value}" for name in CLASSES]
NUMBERS = [*PROBABILITIES, "confidence", "distance_to_reference", *NAMES]
PREDICTED = "predicted_class"
EMBEDDINGS = "features"


@dataclass(frozen=True, slots=True)
class Stored:
    """Keys of a stored report."""

    html: str
    snapshot: str


def stored(
    storage: Storage, report_id: uuid.UUID, comparison: Comparison, spec: ReportSpec
) -> Stored:
    """Run the report and keep its page and its snapshot."""
    snapshot = _run(comparison, spec)
    folder = f"reports/{report_id}"
    page = snapshot.get_html_str(as_iframe=False)
    document = snapshot.dumps()  # all of it, so that Evidently's workspace can open it
    return Stored(
        storage.write(f"{folder}/evidently.html", page.encode()),
        storage.write(f"{folder}/evidently.json", document.encode()),
    )


def load() -> None:
    """Import Evidently (seconds), without its telemetry; safe to call again."""
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses deprecated parts of NumPy
        import mycovigil_worker.report.evidently_metrics  # noqa: F401


def _run(comparison: Comparison, spec: ReportSpec) -> "Snapshot":
    load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # and of pandas
        from evidently import DataDefinition, Dataset, Report

        night, reference = comparison.night, comparison.reference.rows
        names = [f"f{number}" for number in range(night.features.shape[1])]
        numbers = [name for name in NUMBERS if _comparable(night, reference, name)]
        definition = DataDefinition(
            numerical_columns=numbers,
            categorical_columns=[PREDICTED],
            embeddings={EMBEDDINGS: names},
        )
        tonight, before = (
            Dataset.from_pandas(_frame(rows, names), data_definition=definition)
            for rows in (night, reference)
        )
        report = Report(_metrics(comparison, spec, numbers))
        window = spec.window
        name = f"{window.start:%Y-%m-%d %H:%M:%S} to {window.end:%Y-%m-%d %H:%M:%S}"
        return _worded(report.run(tonight, before, timestamp=window.end, name=name))


def _worded(snapshot: "Snapshot") -> "Snapshot":
    """Tests in two significant digits: Evidently's words round a level of .00067 to .001. They
    stay Evidently's own, which its workspace can read without us."""
    from evidently.core.metric_types import metric_tests_widget

    tests = []
    for result in snapshot.metric_results.values():
        for test in result.tests:
            p_value, level = result.value, test.test_config["threshold"]
            side = "above" if p_value > level else "at most"
            test.name = result.display_name
            test.description = f"p = {p_value:.2g} is {side} {level:.2g}"
            tests.append(test)
    snapshot._tests_widgets[1:] = [metric_tests_widget(tests)]
    return snapshot


def _metrics(comparison: Comparison, spec: ReportSpec, numbers: list[str]) -> list[Any]:
    from evidently.metrics.embeddings import DistanceDriftMethod
    from evidently.tests import gt

    from mycovigil_worker.report.evidently_metrics import (
        ColumnDrift,
        EmbeddingsDriftScore,
        OmnibusPValue,
        ViewPValue,
    )

    result, level = comparison.result, spec.level
    night, before = comparison.night, comparison.reference.rows
    days = comparison.days.result if comparison.days else None
    return [
        *([OmnibusPValue(p_value=days.p_value, level=level, tests=[gt(level)])] if days else []),
        *_slices(comparison.slices),
        *(
            ViewPValue(view=f"{v.group}: {v.name}", p_value=v.p_value, effect=v.effect)
            for v in result.views
        ),
        ColumnDrift(column=PREDICTED),
        *(ColumnDrift(column=name, missing=_missing(night, before, name)) for name in numbers),
        EmbeddingsDriftScore(embeddings_name=EMBEDDINGS, drift_method=DistanceDriftMethod()),
    ]


def _slices(slices: Slices) -> list[Any]:
    """Every slice that was judged; they inform, so that none is a test."""
    from mycovigil_worker.report.evidently_metrics import SlicePValue

    return [
        SlicePValue(
            dimension=row["dimension"],
            slice=row["value"],
            p_value=row["p_value"],
            level=row["level"],
        )
        for row in slices.documents()
        if row["p_value"] is not None
    ]


def _frame(rows: Rows, names: list[str]) -> pd.DataFrame:
    """Human columns and features of at most 2,000 rows."""
    some = rows.at_most(MOST_ROWS)
    numbers = {name: _finite(_column(rows, name)[some]) for name in NUMBERS}
    predicted = [CLASSES[index].value for index in rows.predicted[some]]
    human = pd.DataFrame(numbers | {PREDICTED: predicted})
    return pd.concat([human, pd.DataFrame(rows.features[some], columns=names)], axis=1)


def _finite(column: Any) -> NDArray[np.float64]:
    """Infinity is no figure either: Evidently would write it into the JSON."""
    values = np.asarray(column, np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _column(rows: Rows, name: str) -> Any:
    if name in PROBABILITIES:
        return rows.probabilities[:, PROBABILITIES.index(name)]
    if name == "confidence":
        return rows.probabilities.max(axis=1)
    if name == "distance_to_reference":
        return rows.distances
    return rows.covariates[:, NAMES.index(name)]


def _comparable(night: Rows, reference: Rows, name: str) -> bool:
    """Evidently fails on a column that is empty on one side (no photo was a JPEG), and writes NaN
    as the spread of a single value."""
    shares = (_known(rows, name) for rows in (night, reference))
    return all(known.sum() >= FEWEST_VALUES for known in shares)


def _known(rows: Rows, name: str) -> NDArray[np.bool_]:
    """Which of the rows that Evidently is given have a figure."""
    return np.asarray(np.isfinite(_column(rows, name)[rows.at_most(MOST_ROWS)]), np.bool_)


def _missing(night: Rows, reference: Rows, name: str) -> str:
    """The shares of photos without a figure, empty if all have one."""
    lacking = [1 - float(_known(rows, name).mean()) for rows in (night, reference)]
    if not any(lacking):
        return ""
    return "no figure: {:.0%} of the night, {:.0%} of the reference".format(*lacking)
