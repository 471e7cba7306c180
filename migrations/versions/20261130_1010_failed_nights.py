"""A failed night counts its failures and says when it is tried again; its alert has no incident.

Code from before it neither reads nor writes the columns; its drift API cannot show an alert of kind
``night_failed``, which only a new worker writes. The way back deletes these alerts.

Revision: 5e0c7b92d1f4
Parent: 91f6b2d07ae4
Created: 2026-11-30 10:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5e0c7b92d1f4"
down_revision = "91f6b2d07ae4"
branch_labels = None
depends_on = None

KINDS = "'opened', 'escalated', 'resolved'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "drift_reports", sa.Column("failures", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("drift_reports", sa.Column("retry_at", sa.DateTime(timezone=True)))
    op.alter_column("alerts", "incident_id", nullable=True)
    op.drop_constraint(op.f("ck_alerts_kind_known"), "alerts", type_="check")
    op.create_check_constraint(
        op.f("ck_alerts_kind_known"), "alerts", f"kind IN ({KINDS}, 'night_failed')"
    )
    op.create_check_constraint(
        op.f("ck_alerts_incident_known"),
        "alerts",
        "(kind = 'night_failed') = (incident_id IS NULL)",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM alerts WHERE kind = 'night_failed'")
    op.drop_constraint(op.f("ck_alerts_incident_known"), "alerts", type_="check")
    op.drop_constraint(op.f("ck_alerts_kind_known"), "alerts", type_="check")
    op.create_check_constraint(op.f("ck_alerts_kind_known"), "alerts", f"kind IN ({KINDS})")
    op.alter_column("alerts", "incident_id", nullable=False)
    op.drop_column("drift_reports", "retry_at")
    op.drop_column("drift_reports", "failures")
