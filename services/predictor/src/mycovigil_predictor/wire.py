"""HTTP/1.1 at the socket: bounded headers in bounded time, before any request exists."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 32_768
HEADER_SECONDS = 10.0


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's parser bounds neither the size of headers nor the time they take; a connection
    that sends header bombs, or its headers by the drop (slow loris), is closed."""

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self._header_bytes = 0
        self._in_headers = True
        self._headers_due = self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_due.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > MOST_HEADER_BYTES:
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers = True
        self._header_bytes = 0
        self._headers_due.cancel()
        self._headers_due = self._start_clock()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._headers_due.cancel()
        super().on_headers_complete()

    def _start_clock(self) -> asyncio.TimerHandle:
        return self.loop.call_later(HEADER_SECONDS, self._refuse)

    def _refuse(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.send_400_response("The request's headers are too large or too slow.")
