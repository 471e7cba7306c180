"""Custom Evidently metrics: our verdict on Evidently's page, and its embedding score without a
t-SNE picture (a minute of CPU). Import only after ``DO_NOT_TRACK`` is set."""

from abc import ABC
from typing import Any

from evidently.core.metric_types import (
    SingleValue,
    SingleValueCalculation,
    SingleValueMetric,
)
from evidently.legacy.renderers.html_widgets import CounterData, counter
from evidently.metrics import ValueDrift
from evidently.metrics.column_statistics import ValueDriftCalculation
from evidently.metrics.embeddings import DriftMethod


def _single_value(of: SingleValueCalculation[Any], p_value: float) -> SingleValue:
    """A result whose picture has two significant digits: Evidently's three after the point make
    0.000 of most p-values that matter."""
    found = of.result(p_value)
    digits = CounterData(label="", value=f"{p_value:.2g}")
    found.widget = [counter(title=of.display_name(), counters=[digits])]
    return found


class OmnibusPValue(SingleValueMetric):
    """The p-value that the verdict was taken on; tested against the level it was given.
    ``by_class``: a predicted class drifted by itself, which makes the night a drift too."""

    p_value: float
    level: float
    by_class: bool = False


class OmnibusPValueCalculation(SingleValueCalculation[OmnibusPValue]):
    def display_name(self) -> str:
        verdict = "drift" if self.metric.p_value <= self.metric.level else "calm"
        if self.metric.by_class and verdict == "calm":
            verdict = "drift of a predicted class; all photos together: calm"
        return f"Mycovigil verdict: {verdict} (p-value; drift at {self.metric.level:.2g} or below)"

    def calculate(self, *_: Any) -> SingleValue:
        return _single_value(self, self.metric.p_value)


class ViewPValue(SingleValueMetric):
    """One view of the omnibus test; for reading, it takes no decision."""

    view: str
    p_value: float
    effect: float


class ViewPValueCalculation(SingleValueCalculation[ViewPValue]):
    def display_name(self) -> str:
        return f"View {self.metric.view} (p-value; effect {self.metric.effect:.2f})"

    def calculate(self, *_: Any) -> SingleValue:
        return _single_value(self, self.metric.p_value)


class SlicePValue(SingleValueMetric):
    """One slice of the night; its p-value is adjusted for all slices (Holm)."""

    dimension: str
    slice: str
    p_value: float
    level: float


class SlicePValueCalculation(SingleValueCalculation[SlicePValue]):
    def display_name(self) -> str:
        named = f"{self.metric.dimension} {self.metric.slice}".replace("_", " ")
        return f"Slice {named} (p-value; drift at {self.metric.level:.2g} or below)"

    def calculate(self, *_: Any) -> SingleValue:
        return _single_value(self, self.metric.p_value)


class ColumnDrift(ValueDrift):
    """Evidently's drift score of one column, with its pictures. It decides nothing: of fourteen
    columns at .05 each, one "drifts" in every other calm night. ``missing``: words on photos
    without a figure, which the score leaves out."""

    missing: str = ""


class ColumnDriftCalculation(ValueDriftCalculation, ABC):  # ABC: Evidently shall not register it
    def _render(self, result: Any, *how: Any) -> Any:
        widgets = super()._render(result, *how)
        score = f"{result.stattest_name} {result.drift_score:.3g}; takes no decision"
        if self.metric.missing:
            score = f"{score}; {self.metric.missing}"
        counter_of = {"value": f"Column {result.column_name}", "label": score}
        widgets[0].params["counters"] = [counter_of]
        return widgets


# As Evidently does itself for calculations that inherit from none but its own.
ColumnDrift.__calculation_type__ = ColumnDriftCalculation


class EmbeddingsDriftScore(SingleValueMetric):
    """Evidently's ``EmbeddingsDrift`` score by its own method, for comparison."""

    embeddings_name: str
    drift_method: DriftMethod


class EmbeddingsDriftScoreCalculation(SingleValueCalculation[EmbeddingsDriftScore]):
    def display_name(self) -> str:
        return f"EmbeddingsDrift of {self.metric.embeddings_name} (score; takes no decision)"

    def calculate(self, _context: Any, current_data: Any, reference_data: Any) -> SingleValue:
        names = current_data.data_definition.embeddings[self.metric.embeddings_name]
        night, reference = (
            data.as_dataframe()[names].copy()  # the methods add a target column to their frames
            for data in (current_data, reference_data)
        )
        score, _, _ = self.metric.drift_method(night, reference)
        return self.result(float(score))
