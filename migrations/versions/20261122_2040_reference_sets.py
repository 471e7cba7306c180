"""Reference sets by season and how they were made; nights without one; realised figures.

A report may stand without a reference set, and says so by its verdict. Works with the code
before it: every new column may be empty or has a default.

Revision: 8c2f5b7a9d10
Parent: 3137bb3c37b1
Created: 2026-11-22 20:40:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "8c2f5b7a9d10"
down_revision = "3137bb3c37b1"
branch_labels = None
depends_on = None

COLUMNS = ("model_id", "reference_set_id", "window_start", "window_end")
NAMED_BEFORE = "uq_drift_reports_model_id_reference_set_id_window_start_a585"
"""As SQLAlchemy shortened it: Postgres takes 63 characters."""
VERDICTS = "'calm', 'drift', 'insufficient', 'failed'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("drift_reports", "reference_set_id", nullable=True)
    op.add_column("drift_reports", sa.Column("realised", postgresql.JSONB(), nullable=True))
    op.drop_constraint(NAMED_BEFORE, "drift_reports")
    op.create_unique_constraint(
        "uq_drift_reports_window", "drift_reports", COLUMNS, postgresql_nulls_not_distinct=True
    )
    _allow(f"{VERDICTS}, 'no_reference'")
    op.add_column(
        "reference_sets", sa.Column("months", postgresql.ARRAY(sa.SmallInteger()), nullable=True)
    )
    op.add_column(
        "reference_sets",
        sa.Column("recipe", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    op.create_table(
        "reference_comparisons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["reference_sets.id"],
            name=op.f("fk_reference_comparisons_reference_id_reference_sets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["other_id"],
            ["reference_sets.id"],
            name=op.f("fk_reference_comparisons_other_id_reference_sets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_comparisons")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("reference_comparisons")
    op.drop_column("reference_sets", "recipe")
    op.drop_column("reference_sets", "months")
    op.execute("DELETE FROM drift_reports WHERE reference_set_id IS NULL")
    op.execute("UPDATE drift_reports SET verdict = 'failed' WHERE verdict = 'no_reference'")
    _allow(VERDICTS)
    op.drop_constraint("uq_drift_reports_window", "drift_reports")
    op.create_unique_constraint(NAMED_BEFORE, "drift_reports", COLUMNS)
    op.drop_column("drift_reports", "realised")
    op.alter_column("drift_reports", "reference_set_id", nullable=False)


def _allow(verdicts: str) -> None:
    name = op.f("ck_drift_reports_verdict_known")
    op.drop_constraint(name, "drift_reports")
    op.create_check_constraint(name, "drift_reports", f"verdict IN ({verdicts})")
