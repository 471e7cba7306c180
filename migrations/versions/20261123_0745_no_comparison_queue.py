"""The queue of comparisons of two reference sets goes: nothing ever asked through it.

A worker from before it logs a failed step at every tick until it is restarted; its other steps go
on. The way back makes the table anew, empty.

Revision: c4d18e6a0b73
Parent: 7a41f0c95be8
Created: 2026-11-23 07:45:00
"""

from alembic import op

revision = "c4d18e6a0b73"
down_revision = "7a41f0c95be8"
branch_labels = None
depends_on = None

AS_BEFORE = """
CREATE TABLE reference_comparisons (
    id uuid NOT NULL CONSTRAINT pk_reference_comparisons PRIMARY KEY,
    reference_id uuid NOT NULL CONSTRAINT fk_reference_comparisons_reference_id_reference_sets
        REFERENCES reference_sets (id) ON DELETE CASCADE,
    other_id uuid NOT NULL CONSTRAINT fk_reference_comparisons_other_id_reference_sets
        REFERENCES reference_sets (id) ON DELETE CASCADE,
    requested_by varchar NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz,
    result jsonb,
    problem varchar
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("reference_comparisons")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(AS_BEFORE)
