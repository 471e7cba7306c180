"""Kept photos are found by an index of the rows that name one, in place of a scan of all days.

Partial: rows without a photo cost nothing. Older code works with it and without it.

Revision: b7d20f5a63c8
Parent: 5e0c7b92d1f4
Created: 2026-11-30 11:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = "b7d20f5a63c8"
down_revision = "5e0c7b92d1f4"
branch_labels = None
depends_on = None

INDEX = "ix_predictions_image_key"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    named = sa.text("image_key IS NOT NULL")
    op.create_index(INDEX, "predictions", ["image_key"], postgresql_where=named)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(INDEX, table_name="predictions")
