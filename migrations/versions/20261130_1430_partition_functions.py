"""Functions that make and drop a day of `predictions` with the rights of the tables' owner.

The worker, whose database role owns nothing, calls them. Code from before it makes and drops
partitions itself, as an owner.

Revision: 8b0d5f27a914
Parent: 6c1f0a83d5e2
Created: 2026-11-30 14:30:00
"""

from alembic import op

revision = "8b0d5f27a914"
down_revision = "6c1f0a83d5e2"
branch_labels = None
depends_on = None

# Nobody may put a table of another schema before ours, and only who is granted it may call them.
AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"
MAKE = f"""
CREATE FUNCTION make_day_of_predictions(day date) RETURNS void {AS_OWNER} AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF predictions FOR VALUES FROM (%L) TO (%L)',
        'predictions_' || to_char(day, 'YYYYMMDD'),
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00'
    );
END $$
"""
DROP = f"""
CREATE FUNCTION drop_day_of_predictions(day date) RETURNS void {AS_OWNER} AS $$
DECLARE
    partition regclass := to_regclass('predictions_' || to_char(day, 'YYYYMMDD'));
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_inherits
        WHERE inhparent = 'predictions'::regclass AND inhrelid = partition
    ) THEN
        RAISE undefined_table USING MESSAGE = format('predictions has no day %s', day);
    END IF;
    EXECUTE format('DROP TABLE %s', partition);
END $$
"""
NAMES = ("make_day_of_predictions(date)", "drop_day_of_predictions(date)")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(MAKE)
    op.execute(DROP)
    for name in NAMES:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in NAMES:
        op.execute(f"DROP FUNCTION {name}")
