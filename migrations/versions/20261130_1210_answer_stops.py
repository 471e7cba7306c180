"""Stops of the product's answers.

Older predictors do not read the table: stop them, or deploy the new ones, before relying on it.

Revision: d41c8a7e9f02
Parent: d3a95e17c0b6
Created: 2026-11-30 12:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "d41c8a7e9f02"
down_revision = "d3a95e17c0b6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_stops",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("stopped_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_by", sa.String()),
        sa.Column("ended_reason", sa.String()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_stops")),
    )
    op.create_index(
        "ix_answer_stops_one_in_force",
        "answer_stops",
        [sa.text("(ended_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("answer_stops")
