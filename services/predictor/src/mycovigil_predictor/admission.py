"""How many requests may run at once, and how many bytes of uploads they may hold."""

from collections.abc import Iterator
from contextlib import contextmanager

from mycovigil_predictor import problems


class Reservation:
    """The share of one request; it grows with the bytes that the request holds in memory."""

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
    """Bounds memory under any number of connections: a request beyond the limits is answered with
    429 before its body is read."""

    def __init__(self, *, most_requests: int, most_bytes: int) -> None:
        self.most_requests = most_requests
        self.most_bytes = most_bytes
        self.inside = 0
        self.held = 0

    @contextmanager
    def reserve(self) -> Iterator[Reservation]:
        """A reservation for one request, released at the end.

        Raises:
            Problem: 429, as many requests as may run are running.
        """
        if self.inside >= self.most_requests:
            raise problems.busy()
        reservation = Reservation(self)
        self.inside += 1
        try:
            yield reservation
        finally:
            self.inside -= 1
            self.held -= reservation.held
