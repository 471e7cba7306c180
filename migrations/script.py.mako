"""${message}

A migration must work with the code before it and after it: add before use, use before remove.
Set a lock timeout on tables in use; never rewrite `predictions` in one step.

Revision: ${up_revision}
Parent: ${down_revision | comma,n}
Created: ${create_date}
"""

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    ${downgrades if downgrades else "pass"}
