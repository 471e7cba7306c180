"""The routers of ``/v1``, for the application."""

from mycovigil_drift.resources import (
    alerts,
    answer_stop,
    audit,
    baselines,
    incident_story,
    incidents,
    label_queue,
    models,
    photo_encodings,
    photos,
    reference_sets,
    report_requests,
    retrain_jobs,
    silences,
)
from mycovigil_drift.resources.comparisons import routes as comparisons
from mycovigil_drift.resources.reports import routes as reports

ROUTERS = tuple(
    module.router
    for module in (
        report_requests,
        reports,
        alerts,
        answer_stop,
        incidents,
        incident_story,
        silences,
        retrain_jobs,
        label_queue,
        models,
        reference_sets,
        baselines,
        photo_encodings,
        photos,
        audit,
        comparisons,
    )
)
