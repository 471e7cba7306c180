"""Where a retrain job trains outside the worker.

Code from before it leaves the columns alone; a training that runs on Vertex AI goes on unfollowed.

Revision: 6a2f0d94c7e1
Parent: 3b7e5d90c1f4
Created: 2026-11-30 14:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "6a2f0d94c7e1"
down_revision = "3b7e5d90c1f4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "retrain_jobs", sa.Column("trainings", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("retrain_jobs", sa.Column("remote_job", sa.String()))
    op.add_column(
        "retrain_jobs",
        sa.Column("remote_open", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    for column in ("remote_open", "remote_job", "trainings"):
        op.drop_column("retrain_jobs", column)
