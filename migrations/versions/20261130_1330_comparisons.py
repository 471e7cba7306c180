"""Comparisons that a person asked for: the worker makes them, from sketches of days.

Code from before it made comparisons in the drift API, and stored none.

Revision: 3b7e5d90c1f4
Parent: 90c4d2e7f1ab
Created: 2026-11-30 13:30:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "3b7e5d90c1f4"
down_revision = "90c4d2e7f1ab"
branch_labels = None
depends_on = None

PAIR = (
    "model_id",
    "first_start",
    "first_end",
    "second_start",
    "second_end",
    "first_set_id",
    "second_set_id",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid()),
        sa.Column("first_start", moment),
        sa.Column("first_end", moment),
        sa.Column("second_start", moment),
        sa.Column("second_end", moment),
        sa.Column("first_set_id", sa.Uuid()),
        sa.Column("second_set_id", sa.Uuid()),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("handled_at", moment),
        sa.Column("result", JSONB()),
        sa.Column("problem", sa.String()),
        sa.CheckConstraint(
            "num_nonnulls(model_id, first_start, first_end, second_start, second_end) = "
            "CASE WHEN first_set_id IS NULL THEN 5 ELSE 0 END "
            "AND num_nonnulls(first_set_id, second_set_id) <> 1",
            name=op.f("ck_comparisons_stretches_or_sets"),
        ),
        sa.CheckConstraint(
            "first_start < first_end AND second_start < second_end",
            name=op.f("ck_comparisons_stretch_lasts"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_comparisons_model_id_models")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                ["reference_sets.id"],
                name=op.f(f"fk_comparisons_{column}_reference_sets"),
                ondelete="CASCADE",
            )
            for column in ("first_set_id", "second_set_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
    )
    op.create_index(
        "ix_comparisons_one_a_pair",
        "comparisons",
        list(PAIR),
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_table("comparisons")
