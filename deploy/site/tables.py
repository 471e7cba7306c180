"""The reference of the database: each table and its columns, from the models."""

import inspect
import re

from sqlalchemy import Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from mycovigil.db.schema import Base

LITERAL = re.compile(r"``([^`]+)``")


def page() -> str:
    """One page of all tables."""
    models = {
        mapper.local_table.name: mapper.class_
        for mapper in Base.registry.mappers
        if isinstance(mapper.local_table, Table)
    }
    parts = [
        "# Tables\n\nWritten from the code by `make docs`. The schema is an implementation detail "
        "that migrations change; what programs may rely on are the [HTTP API](http-api.md) and the "
        "[events](events.md).\n"
    ]
    for name in sorted(Base.metadata.tables):
        table = Base.metadata.tables[name]
        model = models.get(name)
        text = LITERAL.sub(r"`\1`", inspect.cleandoc(model.__doc__ or "")) if model else ""
        parts.append(f"## `{name}`\n\n{text}\n\n{columns(table)}\n{constraints(table)}")
    return "\n".join(parts)


def columns(table: Table) -> str:
    lines = ["| column | type | |", "|---|---|---|"]
    for column in table.columns:
        kind = column.type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
        notes = ["primary key"] if column.primary_key else []
        notes += [
            f"→ [`{key.target_fullname}`](#{key.column.table.name})" for key in column.foreign_keys
        ]
        notes += ["may be empty"] if column.nullable else []
        lines.append(f"| `{column.name}` | {kind.lower()} | {', '.join(notes)} |")
    return "\n".join(lines) + "\n"


def where(index: Index) -> str:
    """The condition of a partial index."""
    condition = index.dialect_options["postgresql"].get("where")
    return "" if condition is None else f", of rows with `{condition}`"


def constraints(table: Table) -> str:
    """Unique keys over several columns: what happens once by constraint."""
    unique = [
        ", ".join(f"`{getattr(one, 'name', one)}`" for one in index.expressions) + where(index)
        for index in sorted(table.indexes, key=lambda one: str(one.name))
        if index.unique
    ]
    unique += [
        ", ".join(f"`{column.name}`" for column in one.columns)
        for one in sorted(table.constraints, key=lambda one: str(one.name))
        if isinstance(one, UniqueConstraint)
    ]
    return "".join(f"\nUnique: {one}.\n" for one in unique)
