"""Many values as one parameter: a statement may have 65,535 parameters at most."""

from collections.abc import Iterable

from sqlalchemy import CollectionAggregate, Text, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY


def any_of(values: Iterable[str]) -> CollectionAggregate[bool]:
    """``column == any_of(values)``: the column is one of the values, however many there are."""
    return any_(literal(list(values), ARRAY(Text)))
