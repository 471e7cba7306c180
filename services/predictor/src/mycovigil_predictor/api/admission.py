"""How many requests may be inside at once, and how many bytes of uploads they may hold."""

from collections.abc import Iterator
from contextlib import contextmanager

from mycovigil_predictor.api import problems


class Place:
    """A request's place; it grows with the bytes that the request holds in memory."""

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self.held = 0

    def grow(self, amount: int) -> None:
        """Hold ``amount`` more bytes.

        Raises:
            Problem: 429, all uploads together would hold more than the limit.
        """
        if self._admission.held + amount > self._admission.most_bytes:
            raise problems.busy(2)
        self.held += amount
        self._admission.held += amount


class Admission:
    """Bounds memory under any number of connections: who finds no place is sent away with 429
    before the body is read."""

    def __init__(self, *, most_requests: int, most_bytes: int) -> None:
        self.most_requests = most_requests
        self.most_bytes = most_bytes
        self.inside = 0
        self.held = 0

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place for one request, given back at the end.

        Raises:
            Problem: 429, all places are taken.
        """
        if self.inside >= self.most_requests:
            raise problems.busy()
        place = Place(self)
        self.inside += 1
        try:
            yield place
        finally:
            self.inside -= 1
            self.held -= place.held
