"""uvicorn's HTTP/1.1 protocol with bounds: size and time of headers, number of connections."""

import asyncio
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 32_768
MOST_HEADERS = 100
# Descriptors that are left to the database, the spool, models and libraries.
OTHER_FILES = 256
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\n"
    b"content-type: text/plain\r\ncontent-length: 34\r\n\r\nToo many connections are open now."
)


def affordable_connections(most: int) -> int:
    """``most``, or what the process's limit of open files allows, once raised to its hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return most if soft == resource.RLIM_INFINITY else max(8, min(most, soft - OTHER_FILES))


class HeadersTooLarge(ValueError):
    """More than a request may carry before its body."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections that uvicorn's own protocol would keep.

    One whose headers are too large, or do not arrive in time (slow loris), is answered with 400;
    one beyond ``limit_concurrency`` with 503, before it sends a request.
    """

    header_seconds: float

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self._in_headers = True
        self._header_bytes = self._unfinished_bytes = 0
        self._timer = self._start_timer()
        if self.limit_concurrency and len(self.connections) >= self.limit_concurrency:
            transport.write(FULL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        whole_chunk = self._in_headers
        super().data_received(data)
        if whole_chunk and self._in_headers:
            self._unfinished_bytes += len(data)
            if self._unfinished_bytes > MOST_HEADER_BYTES:
                self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers = True
        self._header_bytes = self._unfinished_bytes = 0
        self._timer.cancel()
        self._timer = self._start_timer()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        if len(self.headers) >= MOST_HEADERS:
            raise HeadersTooLarge  # the parser turns it into a 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._timer.cancel()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MOST_HEADER_BYTES:
            raise HeadersTooLarge

    def _start_timer(self) -> asyncio.TimerHandle:
        return self.loop.call_later(self.header_seconds, self._refuse)

    def _refuse(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.send_400_response("The request's headers are too large or too slow.")


def bounded(seconds: float) -> type[BoundedProtocol]:
    """The protocol with ``seconds`` for the headers of a request."""

    class Bounded(BoundedProtocol):
        header_seconds = seconds

    return Bounded
