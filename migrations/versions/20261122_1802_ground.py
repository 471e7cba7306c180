"""The ground: every table of architecture section 3.

A migration must work with the code before it and after it: add before use, use before remove.
Set a lock timeout on tables in use; never rewrite `predictions` in one step.

Revision: 3137bb3c37b1
Parent:
Created: 2026-11-22 18:02:19.598641
"""

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3137bb3c37b1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_table(
        "encoders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("architecture", sa.String(), nullable=False),
        sa.Column("weights_digest", sa.String(), nullable=False),
        sa.Column("onnx_digest", sa.String(), nullable=False),
        sa.Column("precision", sa.String(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("preprocessing_digest", sa.String(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encoders")),
        sa.UniqueConstraint(
            "onnx_digest",
            "preprocessing_digest",
            name=op.f("uq_encoders_onnx_digest_preprocessing_digest"),
        ),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("client", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "handled_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
    )
    op.create_table(
        "labels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("species", sa.String(), nullable=True),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("labelled_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "label IN ('edible', 'conditionally_edible', 'poisonous', 'deadly')",
            name=op.f("ck_labels_label_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint(
            "prediction_id", "labelled_by", name=op.f("uq_labels_prediction_id_labelled_by")
        ),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("ordering_key", sa.String(), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "logged_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("trace_id", sa.String(), nullable=True),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=True),
        sa.Column("app_version", sa.String(), nullable=True),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("features", pgvector.sqlalchemy.halfvec.HALFVEC(), nullable=False),
        sa.Column("probabilities", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("prediction_set", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("distance", sa.REAL(), nullable=False),
        sa.Column("photos", sa.Integer(), server_default="1", nullable=False),
        sa.Column("image_sha256", sa.String(), nullable=False),
        sa.Column("image_key", sa.String(), nullable=True),
        sa.Column(
            "sample_key", sa.Float(precision=53), server_default=sa.text("random()"), nullable=False
        ),
        sa.Column("latency_ms", sa.REAL(), nullable=False),
        sa.Column("brightness", sa.REAL(), nullable=False),
        sa.Column("contrast", sa.REAL(), nullable=False),
        sa.Column("sharpness", sa.REAL(), nullable=False),
        sa.Column("colour_temperature", sa.REAL(), nullable=False),
        sa.Column("saturation", sa.REAL(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("jpeg_quality", sa.REAL(), nullable=True),
        sa.CheckConstraint(
            "certificate IN ('valid', 'suspect', 'void', 'not_certifiable')",
            name=op.f("ck_predictions_certificate_known"),
        ),
        sa.CheckConstraint(
            "label IN ('edible', 'conditionally_edible', 'poisonous', 'deadly')",
            name=op.f("ck_predictions_label_known"),
        ),
        sa.CheckConstraint(
            "verdict IN ('avoid', 'expert_check', 'cannot_tell')",
            name=op.f("ck_predictions_verdict_known"),
        ),
        sa.PrimaryKeyConstraint("id", "created_at", name=op.f("pk_predictions")),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index(
        op.f("ix_predictions_model_id_created_at"),
        "predictions",
        ["model_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_predictions_model_id_sample_key"),
        "predictions",
        ["model_id", "sample_key"],
        unique=False,
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("artifact_uri", sa.String(), nullable=False),
        sa.Column("artifact_sha256", sa.String(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("calibration", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("certificate", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("certificate_state", sa.String(), nullable=False),
        sa.Column("certificate_reason", sa.String(), server_default="", nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "certificate_state IN ('valid', 'suspect', 'void', 'not_certifiable')",
            name=op.f("ck_models_certificate_state_known"),
        ),
        sa.CheckConstraint(
            "status IN ('candidate', 'shadow', 'production', 'archived', 'rejected')",
            name=op.f("ck_models_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoders.id"], name=op.f("fk_models_encoder_id_encoders")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["models.id"], name=op.f("fk_models_parent_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("version", name=op.f("uq_models_version")),
    )
    op.create_index(
        "ix_models_one_production",
        "models",
        ["status"],
        unique=True,
        postgresql_where=sa.text("status = 'production'"),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("replaced_id", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "decision IN ('initial', 'passed', 'refused', 'rollback')",
            name=op.f("ck_promotions_decision_known"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_promotions_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_id"], ["models.id"], name=op.f("fk_promotions_replaced_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
    )
    op.create_index(op.f("ix_promotions_model_id"), "promotions", ["model_id"], unique=False)
    op.create_table(
        "reference_sets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoders.id"], name=op.f("fk_reference_sets_encoder_id_encoders")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_reference_sets_model_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_sets")),
    )
    op.create_index(
        op.f("ix_reference_sets_model_id"), "reference_sets", ["model_id"], unique=False
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_silences_model_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
    )
    op.create_table(
        "drift_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("reference_set_id", sa.Uuid(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("periods", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("p_value", sa.Float(precision=53), nullable=True),
        sa.Column("level", sa.Float(precision=53), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sampled_rows", sa.Integer(), nullable=False),
        sa.Column("late_rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("views", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("gallery", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidently_uri", sa.String(), nullable=True),
        sa.Column("snapshot_uri", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "verdict IN ('calm', 'drift', 'insufficient', 'failed')",
            name=op.f("ck_drift_reports_verdict_known"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_drift_reports_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["reference_set_id"],
            ["reference_sets.id"],
            name=op.f("fk_drift_reports_reference_set_id_reference_sets"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_reports")),
        sa.UniqueConstraint(
            "model_id",
            "reference_set_id",
            "window_start",
            "window_end",
            name=op.f("uq_drift_reports_model_id_reference_set_id_window_start_window_end"),
        ),
    )
    op.create_index(
        op.f("ix_drift_reports_model_id_window_end"),
        "drift_reports",
        ["model_id", "window_end"],
        unique=False,
    )
    op.create_table(
        "reference_samples",
        sa.Column("reference_set_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("features", pgvector.sqlalchemy.halfvec.HALFVEC(), nullable=False),
        sa.Column("probabilities", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("distance", sa.Double(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("species", sa.String(), nullable=True),
        sa.Column("group_key", sa.String(), nullable=True),
        sa.Column("image_sha256", sa.String(), nullable=True),
        sa.Column("image_key", sa.String(), nullable=True),
        sa.Column("brightness", sa.REAL(), nullable=False),
        sa.Column("contrast", sa.REAL(), nullable=False),
        sa.Column("sharpness", sa.REAL(), nullable=False),
        sa.Column("colour_temperature", sa.REAL(), nullable=False),
        sa.Column("saturation", sa.REAL(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("jpeg_quality", sa.REAL(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reference_set_id"],
            ["reference_sets.id"],
            name=op.f("fk_reference_samples_reference_set_id_reference_sets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("reference_set_id", "ordinal", name=op.f("pk_reference_samples")),
    )
    op.create_table(
        "drift_metrics",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["drift_reports.id"],
            name=op.f("fk_drift_metrics_report_id_drift_reports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", "name", name=op.f("pk_drift_metrics")),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column(
            "opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.CheckConstraint(
            "severity IN ('warning', 'critical')", name=op.f("ck_incidents_severity_known")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'acknowledged', 'resolved')", name=op.f("ck_incidents_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_incidents_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["drift_reports.id"], name=op.f("fk_incidents_report_id_drift_reports")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "ix_incidents_one_unresolved",
        "incidents",
        ["model_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "report_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_report_requests_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["drift_reports.id"],
            name=op.f("fk_report_requests_report_id_drift_reports"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_requests")),
    )
    op.create_index(
        "ix_report_requests_one_waiting",
        "report_requests",
        ["model_id", "window_start", "window_end"],
        unique=True,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("silence_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('opened', 'escalated', 'resolved')", name=op.f("ck_alerts_kind_known")
        ),
        sa.CheckConstraint(
            "severity IN ('warning', 'critical')", name=op.f("ck_alerts_severity_known")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_alerts_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["drift_reports.id"], name=op.f("fk_alerts_report_id_drift_reports")
        ),
        sa.ForeignKeyConstraint(
            ["silence_id"], ["silences.id"], name=op.f("fk_alerts_silence_id_silences")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_incident_id"), "alerts", ["incident_id"], unique=False)
    op.create_table(
        "retrain_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("model_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed')",
            name=op.f("ck_retrain_jobs_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_retrain_jobs_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_retrain_jobs_model_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retrain_jobs")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_retrain_jobs_incident_id")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("retrain_jobs")
    op.drop_index(op.f("ix_alerts_incident_id"), table_name="alerts")
    op.drop_table("alerts")
    op.drop_index(
        "ix_report_requests_one_waiting",
        table_name="report_requests",
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.drop_table("report_requests")
    op.drop_index(
        "ix_incidents_one_unresolved",
        table_name="incidents",
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.drop_table("incidents")
    op.drop_table("drift_metrics")
    op.drop_table("reference_samples")
    op.drop_index(op.f("ix_drift_reports_model_id_window_end"), table_name="drift_reports")
    op.drop_table("drift_reports")
    op.drop_table("silences")
    op.drop_index(op.f("ix_reference_sets_model_id"), table_name="reference_sets")
    op.drop_table("reference_sets")
    op.drop_index(op.f("ix_promotions_model_id"), table_name="promotions")
    op.drop_table("promotions")
    op.drop_index(
        "ix_models_one_production",
        table_name="models",
        postgresql_where=sa.text("status = 'production'"),
    )
    op.drop_table("models")
    op.drop_index(op.f("ix_predictions_model_id_sample_key"), table_name="predictions")
    op.drop_index(op.f("ix_predictions_model_id_created_at"), table_name="predictions")
    op.drop_table("predictions")
    op.drop_index(
        "ix_outbox_unpublished",
        table_name="outbox",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.drop_table("outbox")
    op.drop_table("labels")
    op.drop_table("inbox")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("encoders")
    op.drop_table("api_keys")
