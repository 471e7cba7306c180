"""Judge one window of one model: from rows in the database to a verdict with a stated level."""

from datetime import datetime, timedelta
from importlib.metadata import version

import numpy as np
from mycovigil_statistics import judge
from mycovigil_statistics.errors import InsufficientRows, SampleError
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import ReportVerdict
from mycovigil.settings import DriftSettings
from mycovigil.storage import Storage
from mycovigil.window import Window
from mycovigil_worker import reference as references
from mycovigil_worker.outcome import Commission, Comparison, Outcome
from mycovigil_worker.pool import pooled_start
from mycovigil_worker.reference import Reference
from mycovigil_worker.rows import MixedFeatures
from mycovigil_worker.sample import sampled
from mycovigil_worker.totals import Totals, summed

CODE_VERSION = f"worker {version('mycovigil-worker')}, statistics {version('mycovigil-statistics')}"


class Unjudgeable(ValueError):
    """No verdict can be given for this window; the message is the report's ``problem``."""


def outcome_of(
    session: Session,
    storage: Storage,
    drift: DriftSettings,
    commission: Commission,
    *,
    novelty: float | None,
    as_of: datetime,
) -> Outcome:
    """Judge the window. Data that no test can judge gives a ``failed`` outcome, not an error."""
    window = commission.window
    start = pooled_start(session, commission.model_id, commission.reference_set_id, window)
    span = Window(start, window.end, window.periods)
    row = session.get_one(ReferenceSet, commission.reference_set_id)
    totals = summed(
        session,
        commission.model_id,
        span,
        encoder_id=row.encoder_id,
        late_after=window.end + timedelta(seconds=drift.grace_seconds),
        novelty=novelty,
        as_of=as_of,
    )
    common = {"rows": totals.rows, "late_rows": totals.late, "as_of": as_of}
    if totals.rows < drift.min_rows:
        return Outcome(ReportVerdict.INSUFFICIENT, **common, inputs=_span(span))
    try:
        comparison = _compared(session, storage, drift, commission, span, totals, as_of)
    except InsufficientRows as reason:
        return Outcome(
            ReportVerdict.INSUFFICIENT, **common, problem=str(reason), inputs=_span(span)
        )
    except (Unjudgeable, SampleError, MixedFeatures) as reason:
        return Outcome(ReportVerdict.FAILED, **common, problem=str(reason), inputs=_span(span))
    drifted = comparison.judgement.p_value <= commission.level
    return Outcome(
        ReportVerdict.DRIFT if drifted else ReportVerdict.CALM,
        **common,
        sampled_rows=len(comparison.night),
        inputs=_span(span) | _inputs(drift, commission, comparison, as_of),
        comparison=comparison,
    )


def _compared(
    session: Session,
    storage: Storage,
    drift: DriftSettings,
    commission: Commission,
    span: Window,
    totals: Totals,
    as_of: datetime,
) -> Comparison:
    if totals.foreign:
        raise Unjudgeable(
            f"{totals.foreign} of {totals.rows} rows carry features of another encoder than the "
            "reference set's; they are never compared"
        )
    reference = references.loaded(
        session, session.get_one(ReferenceSet, commission.reference_set_id)
    )
    _require_spread(reference)
    try:
        fitted = references.fitted(storage, reference, drift.seed)
    except SampleError as reason:
        raise Unjudgeable(f"the reference set cannot carry a test: {reason}") from reason
    night = sampled(session, commission.model_id, span, drift.sample_rows, as_of)
    judgement = judge(
        fitted,
        night.features,
        night.probabilities,
        night.covariates,
        groups=night.dependent,
        seed=drift.seed,
    )
    return Comparison(reference, night, totals, span, fitted, judgement)


def _require_spread(reference: Reference) -> None:
    features = reference.rows.features
    if len(features) and float(np.ptp(features, axis=0).max()) == 0.0:
        raise Unjudgeable(
            f"all {len(features)} rows of the reference set have the same features: "
            "its encoder is broken; freeze another set"
        )


def _span(span: Window) -> dict[str, str]:
    return {"pooled_from": span.start.isoformat()}


def _inputs(
    drift: DriftSettings, commission: Commission, comparison: Comparison, as_of: datetime
) -> dict[str, object]:
    """Everything a replay needs to come to the same number."""
    return {
        "reference_rows": len(comparison.reference.rows),
        "reference_hash": comparison.reference.content_hash,
        "night_rows": len(comparison.night),
        "night_hash": comparison.night.digest(),
        "sample_rows": drift.sample_rows,
        "seed": drift.seed,
        "level": commission.level,
        "as_of": as_of.isoformat(),
        "permutations": comparison.judgement.permutations,
        "pool_rows": comparison.judgement.pool_rows,
        "units": comparison.judgement.units,
        "code_version": CODE_VERSION,
    }
