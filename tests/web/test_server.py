"""How both services listen: a taken address is one sentence, headers are bounded."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from mycovigil.settings import Settings
from mycovigil_web.http_protocol import MOST_HEADER_BYTES
from mycovigil_web.server import listen


def test_a_taken_address_is_told_in_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1:{port}: Address already"):
            listen("127.0.0.1", port)


def test_headers_are_bounded(
    service: str, serve: Callable[[str, Settings], str], settings: Settings
) -> None:
    address = urlsplit(serve(service, settings))
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        bomb = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * MOST_HEADER_BYTES
        connection.sendall(bomb)
        connection.sendall(b"\r\n\r\n")
        answer = connection.recv(1_000)
    assert answer.startswith(b"HTTP/1.1 400 ")
