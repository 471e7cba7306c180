"""Days as the unit of calm: sketches of days, baselines, skew as an incident of its own kind.

Code from before it neither reads nor writes what is new; its reports and incidents stay drift. The
way back keeps the reports: those of verdict ``learning`` become ``insufficient``, and incidents of
kind ``skew`` are deleted with their alerts.

Revision: d3a95e17c0b6
Parent: b7d20f5a63c8
Created: 2026-11-30 12:00:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d3a95e17c0b6"
down_revision = "b7d20f5a63c8"
branch_labels = None
depends_on = None

VERDICTS = "'calm', 'drift', 'insufficient', 'failed', 'no_reference'"
DOUBLE = ("p_days", "p_rows", "ratio", "detectable")
UNRESOLVED = "ix_incidents_one_unresolved"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _tables()
    for name in DOUBLE:
        op.add_column("drift_reports", sa.Column(name, sa.Float(53)))
    op.add_column("drift_reports", sa.Column("rank", sa.Integer()))
    op.add_column("drift_reports", sa.Column("days", sa.Integer()))
    op.add_column("drift_reports", sa.Column("baseline_id", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_drift_reports_baseline_id_baselines"),
        "drift_reports",
        "baselines",
        ["baseline_id"],
        ["id"],
    )
    _verdicts(f"{VERDICTS}, 'learning'")
    op.add_column(
        "incidents", sa.Column("kind", sa.String(), server_default="drift", nullable=False)
    )
    op.add_column("incidents", sa.Column("ended_by", sa.String()))
    op.create_check_constraint(
        op.f("ck_incidents_kind_known"), "incidents", "kind IN ('drift', 'skew')"
    )
    op.create_check_constraint(
        op.f("ck_incidents_ended_by_known"),
        "incidents",
        "ended_by IN ('model', 'accepted', 'calm', 'person')",
    )
    _one_unresolved(["model_id", "kind"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DELETE FROM alerts USING incidents"
        " WHERE alerts.incident_id = incidents.id AND incidents.kind = 'skew'"
    )
    op.execute(
        "UPDATE retrain_jobs SET incident_id = NULL FROM incidents"
        " WHERE retrain_jobs.incident_id = incidents.id AND incidents.kind = 'skew'"
    )
    op.execute("UPDATE baselines SET incident_id = NULL")
    op.execute("DELETE FROM incidents WHERE kind = 'skew'")
    _one_unresolved(["model_id"])
    op.drop_constraint(op.f("ck_incidents_kind_known"), "incidents", type_="check")
    op.drop_constraint(op.f("ck_incidents_ended_by_known"), "incidents", type_="check")
    op.drop_column("incidents", "ended_by")
    op.drop_column("incidents", "kind")
    op.execute("UPDATE drift_reports SET verdict = 'insufficient' WHERE verdict = 'learning'")
    _verdicts(VERDICTS)
    op.drop_constraint(
        op.f("fk_drift_reports_baseline_id_baselines"), "drift_reports", type_="foreignkey"
    )
    for name in ("baseline_id", "days", "rank", *DOUBLE):
        op.drop_column("drift_reports", name)
    for table in ("skew_acceptances", "baseline_days", "baselines", "day_sketches"):
        op.drop_table(table)
    op.drop_table("day_geometries")


def _tables() -> None:
    op.create_table(
        "day_geometries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("reference_set_id", sa.Uuid(), nullable=False),
        sa.Column("storage_key", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        _created_at(),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoders.id"], name=op.f("fk_day_geometries_encoder_id_encoders")
        ),
        sa.ForeignKeyConstraint(
            ["reference_set_id"],
            ["reference_sets.id"],
            name=op.f("fk_day_geometries_reference_set_id_reference_sets"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_geometries")),
        sa.UniqueConstraint("encoder_id", name=op.f("uq_day_geometries_encoder_id")),
    )
    op.create_table(
        "day_sketches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("geometry_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid()),
        sa.Column("day_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.BYTEA(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        _created_at(),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoders.id"], name=op.f("fk_day_sketches_encoder_id_encoders")
        ),
        sa.ForeignKeyConstraint(
            ["geometry_id"],
            ["day_geometries.id"],
            name=op.f("fk_day_sketches_geometry_id_day_geometries"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_day_sketches_model_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_sketches")),
        sa.UniqueConstraint(
            "geometry_id",
            "model_id",
            "day_start",
            "day_end",
            name="uq_day_sketches_day",
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint("day_start < day_end", name=op.f("ck_day_sketches_day_lasts")),
    )
    op.create_table(
        "baselines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("geometry_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("incident_id", sa.Uuid()),
        sa.Column("accepted_by", sa.String()),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("standing_since", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoders.id"], name=op.f("fk_baselines_encoder_id_encoders")
        ),
        sa.ForeignKeyConstraint(
            ["geometry_id"],
            ["day_geometries.id"],
            name=op.f("fk_baselines_geometry_id_day_geometries"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_baselines_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baselines")),
        sa.CheckConstraint(
            "reason IN ('first days', 'model learned', 'accepted', 'season')",
            name=op.f("ck_baselines_reason_known"),
        ),
    )
    op.create_index(
        "ix_baselines_one_current",
        "baselines",
        ["encoder_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "baseline_days",
        sa.Column("baseline_id", sa.Uuid(), nullable=False),
        sa.Column("day_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outlier_p", sa.Float(53)),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_by", sa.String()),
        sa.Column("withdrawn_reason", sa.String()),
        sa.ForeignKeyConstraint(
            ["baseline_id"],
            ["baselines.id"],
            name=op.f("fk_baseline_days_baseline_id_baselines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("baseline_id", "day_start", name=op.f("pk_baseline_days")),
        sa.CheckConstraint("day_start < day_end", name=op.f("ck_baseline_days_day_lasts")),
    )
    op.create_table(
        "skew_acceptances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("training_set_hash", sa.String(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        _created_at(),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoders.id"], name=op.f("fk_skew_acceptances_encoder_id_encoders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skew_acceptances")),
        sa.UniqueConstraint(
            "encoder_id",
            "training_set_hash",
            name=op.f("uq_skew_acceptances_encoder_id_training_set_hash"),
        ),
    )


def _created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _verdicts(known: str) -> None:
    op.drop_constraint(op.f("ck_drift_reports_verdict_known"), "drift_reports", type_="check")
    op.create_check_constraint(
        op.f("ck_drift_reports_verdict_known"), "drift_reports", f"verdict IN ({known})"
    )


def _one_unresolved(columns: list[str]) -> None:
    op.drop_index(UNRESOLVED, table_name="incidents")
    op.create_index(
        UNRESOLVED,
        "incidents",
        columns,
        unique=True,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
