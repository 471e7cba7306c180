"""A file behind an address: read in parts, tried again, never slower than a drip."""

import base64
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

import httpx

from mycovigil.backoff import Backoff
from mycovigil_training.dataset.fetch.failure import FetchFailed

TIMEOUT = httpx.Timeout(30.0)
BACKOFF = Backoff(first=1.0, longest=30.0)
# Failures in a row, with less than LEAST_BYTES between them.
ATTEMPTS = 6
# A connection that brings less than this in so many seconds is given up.
LEAST_BYTES, LEAST_SECONDS = 50_000, 30.0
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Described:
    """What the server says of a file: ``size`` in bytes (-1: it does not say), whether parts can
    be asked for, a version (ETag or date), and its MD5 in base 64 or nothing."""

    address: str
    size: int
    in_parts: bool
    version: str
    md5: str


class RemoteFile(io.RawIOBase):
    """Readable and seekable, for zip files of which only some members are wanted.

    Raises:
        FetchFailed: when it is opened or read: the server refuses, is too slow, or changed the
            file meanwhile.
    """

    def __init__(
        self, address: str, client: httpx.Client, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._pause, self._place = client, pause, 0
        self.described = _described(address, client, pause)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.described.in_parts

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.described.size}
        self._place = start[whence] + offset
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._place + len(buffer), self.described.size)
        data = b"".join(self.parts(self._place, stop)) if stop > self._place else b""
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def parts(self, start: int, stop: int = -1) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``stop`` (-1: the end); what fails is gone on with.

        Raises:
            FetchFailed: too many failures in a row.
        """
        stop = self.described.size if stop < 0 else stop
        failures = since = 0
        while start < stop or stop < 0:
            try:
                for part in self._once(start, stop):
                    start, since = start + len(part), since + len(part)
                    yield part
                if stop < 0 or start >= stop:
                    return
                raise httpx.RemoteProtocolError(f"the answer ended at byte {start} of {stop}")
            except (httpx.HTTPError, _Slow) as error:
                failures = failures + 1 if since < LEAST_BYTES else 1
                since = 0
                if failures >= ATTEMPTS or not self.described.in_parts:
                    raise _failed(self.described.address, error) from error
                self._pause(BACKOFF.seconds(failures))

    def _once(self, start: int, stop: int) -> Iterator[bytes]:
        headers = {"Accept-Encoding": "identity"}
        if self.described.in_parts:
            headers["Range"] = f"bytes={start}-{stop - 1}"
            if self.described.version.startswith('"'):
                headers["If-Range"] = self.described.version
        with self._client.stream("GET", self.described.address, headers=headers) as answer:
            answer.raise_for_status()
            if self.described.in_parts and answer.status_code != httpx.codes.PARTIAL_CONTENT:
                raise FetchFailed(
                    f"{self.described.address} changed while it was fetched: start again"
                )
            began, arrived = time.monotonic(), 0
            for part in answer.iter_raw():
                arrived += len(part)
                yield part
                if time.monotonic() - began > LEAST_SECONDS:
                    if arrived < LEAST_BYTES:
                        raise _Slow(f"{arrived} bytes in {LEAST_SECONDS:.0f} s")
                    began, arrived = time.monotonic(), 0


class _Slow(Exception):
    """The server drips."""


@contextmanager
def remote_file(address: str) -> Iterator[RemoteFile]:
    """Open a file behind an http(s) address.

    Raises:
        FetchFailed: see :class:`RemoteFile`.
    """
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
        yield RemoteFile(address, client)


def _described(address: str, client: httpx.Client, pause: Callable[[float], None]) -> Described:
    """By asking for the first byte: signed addresses refuse HEAD."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            headers = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
            with client.stream("GET", address, headers=headers) as answer:
                if answer.status_code in AGAIN:
                    answer.raise_for_status()
                if answer.is_error:
                    raise FetchFailed(f"{address} answers {answer.status_code}: {_hint(answer)}")
                return _of(answer)
        except httpx.HTTPError as error:
            if attempt == ATTEMPTS:
                raise _failed(address, error) from error
            pause(BACKOFF.seconds(attempt))
    raise AssertionError("not reached")


def _of(answer: httpx.Response) -> Described:
    found = answer.headers
    in_parts = answer.status_code == httpx.codes.PARTIAL_CONTENT
    total = found.get("Content-Range", "").rpartition("/")[2] if in_parts else ""
    size = int(total) if total.isdecimal() else int(found.get("Content-Length", -1))
    hashes = [part.strip() for part in found.get("x-goog-hash", "").split(",")]
    md5 = next((part.removeprefix("md5=") for part in hashes if part.startswith("md5=")), "")
    return Described(
        address=str(answer.url),
        size=size,
        in_parts=in_parts and total.isdecimal(),
        version=found.get("ETag") or found.get("Last-Modified") or "",
        md5=md5 or ("" if in_parts else found.get("Content-MD5", "")),
    )


def _hint(answer: httpx.Response) -> str:
    return {
        401: "it wants to know who you are",
        403: "you may not read it, or the address has expired",
        404: "there is no such file",
    }.get(answer.status_code, answer.reason_phrase)


def _failed(address: str, error: Exception) -> FetchFailed:
    what = str(error) or type(error).__name__
    return FetchFailed(
        f"{address} could not be fetched ({what}): what arrived is kept, run the command again"
    )


def base64_of(digest: bytes) -> str:
    """An MD5 as ``x-goog-hash`` and ``Content-MD5`` write it."""
    return base64.b64encode(digest).decode()
