"""Kept photos that are encoded anew by another encoder: features beside the logged ones, by day.

Code from before it reads neither table.

Revision: 6c1f0a83d5e2
Parent: 6a2f0d94c7e1
Created: 2026-11-30 14:10:00
"""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

revision = "6c1f0a83d5e2"
down_revision = "6a2f0d94c7e1"
branch_labels = None
depends_on = None

STATES = "'waiting', 'running', 'done', 'failed'"
COUNTS = ("encoded", "removed", "undecodable", "attempts", "lease_token")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "encoded_days",
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("total", sa.Integer()),
        sa.Column("last_id", sa.Uuid()),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in COUNTS),
        sa.Column("lease_until", moment),
        sa.Column("problem", sa.String()),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_encoded_days_state_known")),
        sa.ForeignKeyConstraint(
            ["encoder_id"], ["encoders.id"], name=op.f("fk_encoded_days_encoder_id_encoders")
        ),
        sa.PrimaryKeyConstraint("encoder_id", "day", name=op.f("pk_encoded_days")),
    )
    op.create_table(
        "encoded_photos",
        sa.Column("created_at", moment, nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.Uuid(), nullable=False),
        sa.Column("features", HALFVEC(), nullable=False),
        *(
            sa.Column(name, sa.REAL(), nullable=False)
            for name in ("brightness", "contrast", "sharpness", "colour_temperature", "saturation")
        ),
        sa.Column("encoded_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint(
            "created_at", "prediction_id", "encoder_id", name=op.f("pk_encoded_photos")
        ),
    )


def downgrade() -> None:
    op.drop_table("encoded_photos")
    op.drop_table("encoded_days")
