"""Rows that belong together, found from pairs (union-find)."""

from collections.abc import Iterable


class Clusters:
    """Rows 0 to n - 1, each alone at first."""

    def __init__(self, rows: int) -> None:
        self._parent = list(range(rows))

    def join(self, pairs: Iterable[tuple[int, int]]) -> None:
        for left, right in pairs:
            first, second = sorted((self.root(left), self.root(right)))
            self._parent[second] = first

    def root(self, row: int) -> int:
        """The smallest row of the cluster that holds ``row``."""
        while self._parent[row] != row:
            self._parent[row] = self._parent[self._parent[row]]
            row = self._parent[row]
        return row

    def members(self) -> list[list[int]]:
        """The clusters, each sorted, in the order of their first rows."""
        found: dict[int, list[int]] = {}
        for row in range(len(self._parent)):
            found.setdefault(self.root(row), []).append(row)
        return list(found.values())
