"""Alembic's entry: the metadata of `mycovigil.db.schema`, the URL of the settings."""

from alembic import context
from sqlalchemy import Connection, engine_from_config, pool, text

from mycovigil.db.schema import Base
from mycovigil.postgres.partitions import PARENT


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Daily partitions come and go without a migration."""
    return not (kind == "table" and name is not None and name.startswith(f"{PARENT}_"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=ours,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('mycovigil migrations'))"))
        context.run_migrations()


def online() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    section = context.config.get_section(context.config.config_ini_section, {})
    engine = engine_from_config(section, poolclass=pool.NullPool)
    with engine.connect() as connection:
        run(connection)


online()
