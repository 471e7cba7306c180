"""What each service does with each table, and which functions it calls.

Rights on ``predictions`` hold for its partitions. ``UPDATE`` is also what ``SELECT … FOR UPDATE``
needs. Bringing home what the spool keeps needs a temporary table too, which Postgres allows
everybody in a database by default.
"""

Rights = dict[str, tuple[str, ...]]

_R, _RI, _RU, _RIU = (
    ("SELECT",),
    ("SELECT", "INSERT"),
    ("SELECT", "UPDATE"),
    ("SELECT", "INSERT", "UPDATE"),
)
_RUD, _ALL = (*_RU, "DELETE"), (*_RIU, "DELETE")
_CALL = ("EXECUTE",)

PREDICTOR: Rights = {
    "answer_stops": _R,
    "api_keys": _R,
    "drift_reports": _R,
    "encoders": _R,
    "idempotency_keys": _RI,
    "label_requests": _R,
    "labels": _RIU,
    "models": _R,
    "predictions": _RI,
}
DRIFT: Rights = {
    "alerts": _RIU,
    "answer_stops": _RIU,
    "api_keys": _R,
    "audit_lines": _RI,
    "baseline_days": _RIU,
    "baselines": _RIU,
    "comparisons": _RIU,
    "day_geometries": _R,
    "day_sketches": _R,
    "drift_metrics": _R,
    "drift_reports": _RU,
    "encoded_days": _RIU,
    "encoded_photos": _R,
    "encoders": _RU,
    "inbox": _R,
    "incidents": _RIU,
    "label_requests": _R,
    "labels": _RIU,
    "models": _RU,
    "outbox": _RIU,
    "photo_sides": _R,
    "predictions": _R,
    "promotions": _RI,
    "reference_samples": _RIU,
    "reference_sets": _RIU,
    "report_requests": _RIU,
    "retrain_jobs": _RIU,
    "silences": _RIU,
    "skew_acceptances": _RI,
}
# Judges nights, and everything beside them that has no person: retention, labels, requests.
WORKER: Rights = {
    "alerts": _RIU,
    "audit_lines": _ALL,
    "baseline_days": _RIU,
    "baselines": _RIU,
    "comparisons": _RU,
    "day_geometries": _RI,
    "day_sketches": _RIU,
    "drift_metrics": _ALL,
    "drift_reports": _ALL,
    "encoded_days": _RU,
    "encoded_photos": _RUD,
    "encoders": _RU,
    "idempotency_keys": _RUD,
    "inbox": _RUD,
    "incidents": _RIU,
    "label_requests": _RIU,
    "labels": _R,
    "models": _RU,
    "outbox": _ALL,
    "photo_sides": _R,
    "predictions": _RU,
    "promotions": _R,
    "reference_samples": _RIU,
    "reference_sets": _RIU,
    "report_requests": _RUD,
    "retrain_jobs": _RIU,
    "silences": _R,
    "skew_acceptances": _R,
    "make_day_of_predictions(date)": _CALL,
    "drop_day_of_predictions(date)": _CALL,
}
TRIGGER: Rights = {
    "inbox": _RI,
    "incidents": _R,
    "label_requests": _R,
    "labels": _R,
    "models": _R,
    "predictions": _R,
    "retrain_jobs": _RIU,
}
# Follows trainings, decides by the gate, promotes; and the training itself.
TRAINER: Rights = {
    "alerts": _RIU,
    "audit_lines": _RI,
    "baseline_days": _RIU,
    "baselines": _RIU,
    "drift_reports": _RU,
    "encoded_days": _RU,
    "encoded_photos": _RI,
    "encoders": _RIU,
    "incidents": _RIU,
    "labels": _R,
    "label_requests": _R,
    "models": _RIU,
    "outbox": _RI,
    "photo_sides": _RIU,
    "predictions": _R,
    "promotions": _RI,
    "reference_samples": _RI,
    "reference_sets": _RIU,
    "retrain_jobs": _RU,
}
RIGHTS: dict[str, Rights] = {
    "predictor": PREDICTOR,
    "drift": DRIFT,
    "worker": WORKER,
    "trigger": TRIGGER,
    "trainer": TRAINER,
}
