"""Judge one window of one model: from rows in the database to a verdict with a stated level."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from mycovigil.baselines import geometries
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import ReportVerdict
from mycovigil.references.feature_rows import MixedFeatures, Rows
from mycovigil.references.window import Window
from mycovigil.settings import DriftSettings
from mycovigil.storage import Storage
from mycovigil_statistics.errors import InsufficientRows, SampleError
from mycovigil_worker.days import baseline_rows, judgement
from mycovigil_worker.days.judgement import DaysJudged, NotComparable
from mycovigil_worker.days.preparation import Prepared
from mycovigil_worker.days.scoring import Scorer
from mycovigil_worker.judging import slices
from mycovigil_worker.judging.judged_window import Comparison, JudgedWindow, ReportSpec
from mycovigil_worker.judging.pooling import pooled_start
from mycovigil_worker.judging.sample import first_row, rows_to_read, sampled
from mycovigil_worker.judging.skew import measured
from mycovigil_worker.judging.window_totals import Totals, summed
from mycovigil_worker.references import fitted as references
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.references.novelty import NoveltyScale

CODE_VERSION = f"worker {version('mycovigil-worker')}, statistics {version('mycovigil-statistics')}"

NO_REFERENCE = (
    "the model has no active reference set: freeze one (mycovigil reference create), or train the "
    "model again; until then its nights cannot be judged"
)
NO_PHOTO = "no photo was sent in this window"


class Unjudgeable(ValueError):
    """No verdict can be given for this window; the message is the report's ``problem``."""


@dataclass(frozen=True, eq=False)
class Judging:
    """Judges the window of one spec from the rows that were logged by ``as_of``."""

    session: Session
    storage: Storage
    drift: DriftSettings
    spec: ReportSpec
    scale: NoveltyScale
    as_of: datetime
    prepared: Prepared

    def judged(self) -> JudgedWindow:
        """Judge. Data that no test can judge gives the verdict ``failed``, not an error."""
        if self._empty:
            return JudgedWindow(ReportVerdict.INSUFFICIENT, self.as_of, problem=NO_PHOTO)
        if self.reference_set is None:
            return self._without_test(ReportVerdict.NO_REFERENCE, NO_REFERENCE)
        if self.totals.rows < self.drift.min_rows:
            return self._without_test(ReportVerdict.INSUFFICIENT, self._few)
        try:
            comparison = self._compared(self.reference_set)
        except InsufficientRows as reason:  # enough rows, too few independent groups
            return self._without_test(ReportVerdict.INSUFFICIENT, str(reason))
        except (Unjudgeable, NotComparable, SampleError, MixedFeatures) as reason:
            return self._without_test(ReportVerdict.FAILED, str(reason))
        return JudgedWindow(
            self._verdict(comparison),
            self.as_of,
            rows=self.totals.rows,
            late_rows=self.totals.late,
            sampled_rows=len(comparison.night),
            inputs=self._inputs(comparison),
            comparison=comparison,
        )

    def _verdict(self, comparison: Comparison) -> ReportVerdict:
        days, spec = comparison.days, self.spec
        if days is None or days.result is None:
            return ReportVerdict.LEARNING
        drifted = days.drifted(spec.level) or days.class_drifted(spec.slice_level)
        return ReportVerdict.DRIFT if drifted else ReportVerdict.CALM

    @cached_property
    def span(self) -> Window:
        """The window with the insufficient nights before it."""
        spec = self.spec
        start = pooled_start(self.session, spec.model_id, spec.window)
        return Window(start, spec.window.end, spec.window.periods)

    @property
    def _empty(self) -> bool:
        """Whether no photo was sent in the window itself, whatever is pooled into it."""
        spec = self.spec
        first = first_row(self.session, spec.model_id, spec.window.start)
        return first is None or first >= spec.window.end

    @cached_property
    def reference_set(self) -> ReferenceSet | None:
        identifier = self.spec.reference_set_id
        return self.session.get_one(ReferenceSet, identifier) if identifier else None

    @cached_property
    def encoder_id(self) -> uuid.UUID:
        return self.session.get_one(Model, self.spec.model_id).encoder_id

    @cached_property
    def totals(self) -> Totals:
        grace = timedelta(seconds=self.drift.grace_seconds)
        return summed(
            self.session,
            self.spec.model_id,
            self.span,
            encoder_id=self.encoder_id,
            reference_set_id=self.spec.reference_set_id,
            late_after=self.spec.window.end + grace,
            novelty=self.scale.threshold,
            as_of=self.as_of,
        )

    @property
    def _few(self) -> str | None:
        """Why there are too few rows, where the reference set holds some of the window's photos."""
        known = self.totals.known
        return f"{known} more photos lie in the reference set itself" if known else None

    def _compared(self, reference_set: ReferenceSet) -> Comparison:
        if self.totals.foreign:
            raise Unjudgeable(
                f"{self.totals.foreign} of {self.totals.rows} rows carry features of another "
                "encoder than the reference set's; they are never compared"
            )
        reference = references.loaded(self.session, reference_set)
        _require_spread(reference)
        try:
            fitted = references.fitted(self.storage, reference, self.scale, self.drift.seed)
        except SampleError as reason:
            raise Unjudgeable(f"the reference set cannot carry a test: {reason}") from reason
        spec, drift = self.spec, self.drift
        night = sampled(
            self.session,
            spec.model_id,
            self.span,
            rows_to_read(spec.window, drift),
            self.as_of,
            reference_set_id=reference_set.id,
        )
        result = references.judged(fitted, night, self.scale, drift.seed, level=spec.level)
        days = self._beside_days(night)
        found = slices.judged(
            fitted,
            night,
            self.scale.scores(night),
            level=spec.slice_level,
            drifted=days.drifted(spec.level),
            seed=drift.seed,
            classes=days.classes,
        )
        skew = measured(
            reference,
            fitted,
            night,
            self.totals,
            result,
            self.scale,
            training_set=self._training_set(reference_set),
            seed=drift.seed,
        )
        return Comparison(
            reference, night, self.totals, self.span, fitted, result, found, self.scale, skew, days
        )

    def _beside_days(self, night: Rows) -> DaysJudged:
        """The window beside the baseline's days, and a single night beside their rows as well
        where the days do not settle the matter."""
        model, seed = self.session.get_one(Model, self.spec.model_id), self.drift.seed
        found = judgement.judged(self.session, self.prepared, model, self.spec.window, seed=seed)
        if self.spec.window.periods > 1 or found.settled:
            return found
        rows = baseline_rows.of_days(
            self.session, self.storage, found.baseline_id, found.spans, self.as_of
        )
        if rows is None:
            return found.noted(baseline_rows.GONE)
        return found.with_rows(
            baseline_rows.compared(
                night, rows, Scorer(self.storage, model), self.scale, seed, self.spec.level
            )
        )

    def _training_set(self, reference_set: ReferenceSet) -> str:
        """Content hash of the set that the encoder's geometry was learned from: an accepted skew
        holds for later heads too."""
        geometry = geometries.of_encoder(self.session, self.encoder_id)
        if geometry is None:
            return reference_set.content_hash
        return self.session.get_one(ReferenceSet, geometry.reference_set_id).content_hash

    def _without_test(self, verdict: ReportVerdict, problem: str | None) -> JudgedWindow:
        return JudgedWindow(
            verdict,
            self.as_of,
            rows=self.totals.rows,
            late_rows=self.totals.late,
            problem=problem,
            inputs={"pooled_from": self.span.start.isoformat()},
        )

    def _inputs(self, comparison: Comparison) -> dict[str, Any]:
        """Everything that a replay needs to reproduce the p-value."""
        return {
            "pooled_from": self.span.start.isoformat(),
            "reference_rows": len(comparison.reference.rows),
            "reference_hash": comparison.reference.content_hash,
            "night_rows": len(comparison.night),
            "night_hash": comparison.night.digest(scores=True),
            "novelty": list(self.scale.names),
            "photos": "each",
            "sample_rows": rows_to_read(self.spec.window, self.drift),
            "seed": self.drift.seed,
            "level": self.spec.level,
            "slice_level": self.spec.slice_level,
            "paging_slices": [],
            "classes_by_days": True,
            "as_of": self.as_of.isoformat(),
            "permutations": comparison.result.permutations,
            "pool_rows": comparison.result.pool_rows,
            "units": comparison.result.units,
            "sketches": comparison.days.inputs() if comparison.days else None,
            "code_version": CODE_VERSION,
        }


def _require_spread(reference: Reference) -> None:
    features = reference.rows.features
    if len(features) and float(np.ptp(features, axis=0).max()) == 0.0:
        raise Unjudgeable(
            f"all {len(features)} rows of the reference set have the same features: "
            "its encoder is broken; freeze another set"
        )
