"""Alembic's entry: the metadata of `mycovigil.db.schema`, on the connection of
`mycovigil.postgres.migration`, which holds the lock of all migrations."""

from alembic import context

from mycovigil.db.schema import Base
from mycovigil.postgres.partitions import PARENT


def is_compared(name: str | None, kind: str, _parents: object) -> bool:
    """Daily partitions come and go without a migration."""
    return not (kind == "table" and name is not None and name.startswith(f"{PARENT}_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=is_compared,
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
