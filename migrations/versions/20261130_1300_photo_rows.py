"""Photos of one answer as rows of their own, and fingerprints of pictures.

``predictions.photo_rows`` holds, of an answer to several photos, what was judged of each; it is
empty in answers to one photo and in older ones. ``predictions.fingerprint`` lets near-equal photos
be taken for one burst. Code from before it writes neither.

Revision: 90c4d2e7f1ab
Parent: e81b6f2d4a97
Created: 2026-11-30 13:00:00
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "90c4d2e7f1ab"
down_revision = "e81b6f2d4a97"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("predictions", sa.Column("photo_rows", JSONB()))
    op.add_column("predictions", sa.Column("fingerprint", sa.LargeBinary()))


def downgrade() -> None:
    op.drop_column("predictions", "fingerprint")
    op.drop_column("predictions", "photo_rows")
