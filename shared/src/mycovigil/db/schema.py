"""All tables, imported together so that the metadata is complete (migrations, tests)."""

from mycovigil.db.alert import Alert, Incident, Silence
from mycovigil.db.audit import AuditLine
from mycovigil.db.base import Base
from mycovigil.db.baseline import Baseline, BaselineDay, DayGeometry, DaySketch, SkewAcceptance
from mycovigil.db.encoder import EncodedDay, EncodedPhoto, Encoder
from mycovigil.db.idempotency import IdempotencyKey
from mycovigil.db.key import ApiKey
from mycovigil.db.message import InboxMessage, OutboxMessage
from mycovigil.db.model import AnswerStop, Model, PhotoSide, Promotion
from mycovigil.db.prediction import Label, LabelRequest, Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import Comparison, DriftMetric, DriftReport, ReportRequest
from mycovigil.db.retrain import RetrainJob

__all__ = [
    "Alert",
    "AnswerStop",
    "ApiKey",
    "AuditLine",
    "Base",
    "Baseline",
    "BaselineDay",
    "Comparison",
    "DayGeometry",
    "DaySketch",
    "DriftMetric",
    "DriftReport",
    "EncodedDay",
    "EncodedPhoto",
    "Encoder",
    "IdempotencyKey",
    "InboxMessage",
    "Incident",
    "Label",
    "LabelRequest",
    "Model",
    "OutboxMessage",
    "PhotoSide",
    "Prediction",
    "Promotion",
    "ReferenceSample",
    "ReferenceSet",
    "ReportRequest",
    "RetrainJob",
    "Silence",
    "SkewAcceptance",
]
