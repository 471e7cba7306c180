"""Tables, one module a noun; import :mod:`mycovigil.db.schema` for all of them at once."""
