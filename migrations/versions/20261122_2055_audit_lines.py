"""The audit trail, and indexes for the dashboard's lists.

Works with the code before it: one new table, and indexes.

Revision: 5d0a7be41c22
Parent: 8c2f5b7a9d10
Created: 2026-11-22 20:55:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5d0a7be41c22"
down_revision = "8c2f5b7a9d10"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "audit_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_lines")),
    )
    for columns in (["subject_id", "created_at"], ["created_at", "id"]):
        name = op.f(f"ix_audit_lines_{'_'.join(columns)}")
        op.create_index(name, "audit_lines", columns)
    op.create_index(op.f("ix_drift_reports_window_end_id"), "drift_reports", ["window_end", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_drift_reports_window_end_id"), "drift_reports")
    op.drop_table("audit_lines")
