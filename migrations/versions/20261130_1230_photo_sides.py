"""Photos keep the side, training or holdout, on which a training first put them.

Code from before it neither reads nor writes the table. The way back forgets the sides; most come
out the same again, for they follow from the specimens' hashes.

Revision: 5e0c7a91d4b8
Parent: d41c8a7e9f02
Created: 2026-11-30 12:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5e0c7a91d4b8"
down_revision = "d41c8a7e9f02"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "photo_sides",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("specimen", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("side IN ('training', 'holdout')", name=op.f("ck_photo_sides_side")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_photo_sides")),
    )


def downgrade() -> None:
    op.drop_table("photo_sides")
