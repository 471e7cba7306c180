"""Incidents keep what labels proved, and which model's promotion ended them.

Works with the code before it: both columns may be empty. Incidents that a promotion by command left
open are ended here, and an archived model that left with an incident loses the ``valid`` that the
end of that incident gave it: a rollback must not bring it back trusted.

Revision: 2e9b6c17d4f3
Parent: 5d0a7be41c22
Created: 2026-11-23 01:05:00
"""

import sqlalchemy as sa
from alembic import op

revision = "2e9b6c17d4f3"
down_revision = "5d0a7be41c22"
branch_labels = None
depends_on = None

END_ORPHANS = """
UPDATE incidents SET state = 'resolved', resolved_at = now(),
       resolution = 'the model had left production'
FROM models
WHERE models.id = incidents.model_id AND models.status = 'archived'
  AND incidents.state <> 'resolved'
"""
SUCCESSORS = """
UPDATE incidents SET superseded_by_id = (
    SELECT promotions.model_id FROM promotions
    WHERE promotions.replaced_id = incidents.model_id AND promotions.decision <> 'refused'
    ORDER BY promotions.created_at DESC, promotions.id DESC LIMIT 1)
WHERE resolution = 'the model had left production' OR resolution LIKE 'model % promoted'
"""
DOUBT = """
UPDATE models SET certificate_reason = 'left production with an open incident',
       certificate_state = CASE WHEN left_with.critical THEN 'void' ELSE 'suspect' END
FROM (SELECT model_id, bool_or(severity = 'critical') AS critical
      FROM incidents WHERE superseded_by_id IS NOT NULL GROUP BY model_id) AS left_with
WHERE left_with.model_id = models.id AND models.status = 'archived'
  AND models.certificate_state = 'valid'
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("incidents", sa.Column("proof", sa.String(), nullable=True))
    op.add_column("incidents", sa.Column("superseded_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_incidents_superseded_by_id_models"),
        "incidents",
        "models",
        ["superseded_by_id"],
        ["id"],
    )
    for statement in (END_ORPHANS, SUCCESSORS, DOUBT):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("incidents", "superseded_by_id")
    op.drop_column("incidents", "proof")
