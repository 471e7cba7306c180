"""Predictions and labels know the API key that made them, not only its name.

Names of keys are not unique. Both columns may be empty, for older rows. Predictors from before it
go on predicting, but cannot store labels (503, to be sent again) until they are restarted: the
constraint that their upsert names is replaced.

Revision: 7a41f0c95be8
Parent: 2e9b6c17d4f3
Created: 2026-11-23 01:25:00
"""

import sqlalchemy as sa
from alembic import op

revision = "7a41f0c95be8"
down_revision = "2e9b6c17d4f3"
branch_labels = None
depends_on = None

ONE_A_NAME = """
DELETE FROM labels USING labels AS later
WHERE labels.prediction_id = later.prediction_id AND labels.labelled_by = later.labelled_by
  AND (labels.created_at, labels.id) < (later.created_at, later.id)
"""
BY_NAME = "uq_labels_prediction_id_labelled_by"
BY_KEY = "uq_labels_prediction_id_labelled_by_key_prefix"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("predictions", "labels"):
        op.add_column(table, sa.Column("key_prefix", sa.String(), nullable=True))
    op.drop_constraint(op.f(BY_NAME), "labels")
    op.create_unique_constraint(
        op.f(BY_KEY),
        "labels",
        ["prediction_id", "labelled_by", "key_prefix"],
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(op.f(BY_KEY), "labels")
    op.execute(ONE_A_NAME)
    op.create_unique_constraint(op.f(BY_NAME), "labels", ["prediction_id", "labelled_by"])
    for table in ("labels", "predictions"):
        op.drop_column(table, "key_prefix")
