"""Retraining waits for labels, and the labels that are asked for.

Code from before it writes no label's ``chosen_by`` and never waits: stop old workers first, or a
job of theirs trains without labels. The predictor's role needs its grants again (``mycovigil
migrate --grant-predictor``): it reads ``label_requests``. The way back puts waiting jobs into the
queue, counts cancelled ones as failed and deletes the alerts that ask for labels.

Revision: e81b6f2d4a97
Parent: 5e0c7a91d4b8
Created: 2026-11-30 12:40:00
"""

import sqlalchemy as sa
from alembic import op

revision = "e81b6f2d4a97"
down_revision = "5e0c7a91d4b8"
branch_labels = None
depends_on = None

STATES = "'queued', 'running', 'succeeded', 'failed'"
KINDS = "'opened', 'escalated', 'resolved', 'night_failed'"
CHOICES = "'random', 'risk', 'novel_cluster', 'disagreement'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "label_requests",
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_label_requests_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_label_requests_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_label_requests")),
        sa.CheckConstraint(
            f"chosen_by IN ({CHOICES})", name=op.f("ck_label_requests_chosen_by_known")
        ),
    )
    op.create_index(op.f("ix_label_requests_incident_id"), "label_requests", ["incident_id"])
    op.add_column("labels", sa.Column("chosen_by", sa.String()))
    op.create_check_constraint(
        op.f("ck_labels_chosen_by_known"), "labels", f"chosen_by IN ({CHOICES})"
    )
    op.add_column("retrain_jobs", sa.Column("labels_needed", sa.Integer()))
    op.add_column("retrain_jobs", sa.Column("dangerous_needed", sa.Integer()))
    op.add_column(
        "retrain_jobs", sa.Column("refusals", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("retrain_jobs", sa.Column("waiting_since", sa.DateTime(timezone=True)))
    op.add_column("retrain_jobs", sa.Column("asked_at", sa.DateTime(timezone=True)))
    _known("retrain_jobs", "state", f"{STATES}, 'waiting_for_labels', 'cancelled'")
    _known("alerts", "kind", f"{KINDS}, 'labels_wanted'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM alerts WHERE kind = 'labels_wanted'")
    _known("alerts", "kind", KINDS)
    op.execute("UPDATE retrain_jobs SET state = 'queued' WHERE state = 'waiting_for_labels'")
    op.execute("UPDATE retrain_jobs SET state = 'failed' WHERE state = 'cancelled'")
    _known("retrain_jobs", "state", STATES)
    for name in ("asked_at", "waiting_since", "refusals", "dangerous_needed", "labels_needed"):
        op.drop_column("retrain_jobs", name)
    op.drop_constraint(op.f("ck_labels_chosen_by_known"), "labels", type_="check")
    op.drop_column("labels", "chosen_by")
    op.drop_table("label_requests")


def _known(table: str, column: str, values: str) -> None:
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({values})")
