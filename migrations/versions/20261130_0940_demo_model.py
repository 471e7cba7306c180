"""A model may be the packaged demo model; those registered before are none.

Code from before it neither reads nor writes the column. The way back forgets which model it was.

Revision: 91f6b2d07ae4
Parent: c4d18e6a0b73
Created: 2026-11-30 09:40:00
"""

import sqlalchemy as sa
from alembic import op

revision = "91f6b2d07ae4"
down_revision = "c4d18e6a0b73"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "models", sa.Column("demo", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("models", "demo")
