"""Hostile connections to a real server process: each is refused or closed, memory does not grow,
and the next request is answered."""

import socket
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from factories.photo import encoded, make_photo, make_picture
from factories.predictor import Desk
from factories.process import Process

from mycovigil.db.model import Model
from mycovigil.settings import Settings

DEADLINE, HEADER_SECONDS = "4", "6"
MOST_CONNECTIONS = 300
# Megabytes; the first large photos leave Pillow and the allocator that much.
MOST_GROWTH = 80.0
LORIS_SECONDS = 60
# Of the short form.
FEW_CONNECTIONS = 20


@pytest.fixture
def process(
    desk: Desk,
    settings: Settings,
    production: Model,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Process]:
    most = getattr(request, "param", MOST_CONNECTIONS)
    made = Process(
        settings,
        tmp_path / "log",
        MYCOVIGIL_PREDICTOR_DEADLINE_SECONDS=DEADLINE,
        MYCOVIGIL_PREDICTOR_MAX_CONNECTIONS=str(most),
        MYCOVIGIL_PREDICTOR_HEADER_SECONDS=HEADER_SECONDS,
        MYCOVIGIL_LOG_LEVEL="warning",
    )
    made.start()
    made.wait_ready()
    yield made
    made.close()


def connected(process: Process) -> socket.socket:
    return socket.create_connection(("127.0.0.1", process.port), timeout=LORIS_SECONDS)


def heard(process: Process, *parts: bytes, hang_up: bool = False) -> bytes:
    """What the server says to ``parts`` until it closes, or nothing more comes."""
    with connected(process) as connection:
        said = bytearray()
        try:
            for part in parts:
                connection.sendall(part)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                said += chunk
                if b"\r\n\r\n" in said and b"connection: close" not in said.lower():
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
        return bytes(said)


def head(key: str, *lines: str) -> bytes:
    """The head of an upload, without the empty line that ends it."""
    told = ("POST /v1/predictions HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", *lines)
    return ("\r\n".join(told) + "\r\n").encode()


def jpeg_head(key: str, length: int) -> bytes:
    return head(key, "Content-Type: image/jpeg", f"Content-Length: {length}") + b"\r\n"


def status(answer: bytes) -> int | None:
    """Of an answer's first line; none where the connection was closed without one."""
    return int(answer.split()[1]) if answer else None


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def a_deflated_gigabyte() -> bytes:
    """About a megabyte: one block of zeros, again and again."""
    deflate = zlib.compressobj(9)
    first, again = (
        deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    return first + 1_023 * again + deflate.flush()


@cache
def inflating_pngs() -> dict[str, tuple[bytes, set[int]]]:
    """PNGs that inflate to a gigabyte, wherever a PNG can hold compressed data."""
    gigabyte = a_deflated_gigabyte()
    signature, end = b"\x89PNG\r\n\x1a\n", chunk(b"IEND", b"")

    def header(side: int) -> bytes:
        return signature + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))

    pixels = chunk(b"IDAT", zlib.compress(bytes(64 * (64 * 3 + 1))))
    return {
        "too many pixels": (header(30_000) + chunk(b"IDAT", gigabyte) + end, {413}),
        "more than its pixels": (header(64) + chunk(b"IDAT", gigabyte) + end, {200, 422}),
        "text": (header(64) + chunk(b"zTXt", b"a\0\0" + gigabyte) + pixels + end, {200, 422}),
        "profile": (header(64) + chunk(b"iCCP", b"a\0\0" + gigabyte) + pixels + end, {200, 422}),
    }


@cache
def wide_png() -> bytes:
    """25 megapixels in few bytes."""
    return encoded(make_picture(8, 8).resize((5_600, 4_400)), "PNG")


def bodies_of_wrong_length(process: Process, key: str) -> None:
    photo = make_photo()
    short = heard(process, jpeg_head(key, len(photo) + 100), photo, hang_up=True)
    assert status(short) in {None, 400, 408, 499}
    trailing = heard(process, jpeg_head(key, len(photo) - 100), photo)
    assert status(trailing) in {400, 422}
    for value in ("-5", "1e3", "5, 6", "99999999999999999999999"):
        lines = ("Content-Type: image/jpeg", f"Content-Length: {value}")
        told = heard(process, head(key, *lines) + b"\r\n" + photo)
        assert status(told) in {None, 400, 413}, value
    smuggled = ("Content-Length: 5", "Transfer-Encoding: chunked", "Content-Type: image/jpeg")
    told = heard(process, head(key, *smuggled) + b"\r\n0\r\n\r\n")
    assert status(told) in {None, 400, 422}


def header_bombs(process: Process, key: str) -> None:
    long = head(key, *(f"X-{number}: {'a' * 8_000}" for number in range(100)))
    endless = head(key) + b"X-Long: " + b"a" * 2_000_000
    many = head(key, *(f"X-{number}: 1" for number in range(5_000))) + b"\r\n"
    for bomb in (long, endless, many, b"a" * 1_000_000, b"GET /" + b"a" * 1_000_000):
        assert status(heard(process, bomb)) in {None, 400}


def forms_of_a_thousand_parts(process: Process, key: str) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n'
    body = part * 1_000 + b"--b--\r\n"
    lines = ("Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(body)}")
    assert status(heard(process, head(key, *lines) + b"\r\n", body)) == 413


def a_photo_by_the_drop(process: Process, key: str) -> None:
    with connected(process) as connection:
        connection.sendall(jpeg_head(key, 1_000_000) + b"\xff\xd8\xff")
        answer = connection.recv(65_536)
    assert status(answer) == 408
    assert b"application/problem+json" in answer


def photos_that_inflate(process: Process, key: str) -> None:
    with process.client(key) as http:
        for name, (photo, expected) in inflating_pngs().items():
            answer = http.post("/v1/predictions", content=photo)
            assert answer.status_code in expected, (name, answer.text)
        assert http.post("/v1/predictions", content=wide_png()).status_code in {
            200,
            503,
        }  # in time?


ATTACKS = [
    bodies_of_wrong_length,
    header_bombs,
    forms_of_a_thousand_parts,
    a_photo_by_the_drop,
    photos_that_inflate,
]


@pytest.mark.whole
@pytest.mark.parametrize("process", [FEW_CONNECTIONS], indirect=True)
def test_attacks_that_cost_little_and_a_few_connections_too_many(
    process: Process, desk: Desk
) -> None:
    key = desk.key()
    with process.client(key) as http:
        for attack in (attack for attack in ATTACKS if attack is not photos_that_inflate):
            attack(process, key)
            answer = http.post("/v1/predictions", content=make_photo())
            assert answer.status_code == 200, attack.__name__
    check_crowd(process, key, 3 * FEW_CONNECTIONS, FEW_CONNECTIONS)


@pytest.mark.whole
def test_each_attack_is_refused_and_the_next_request_is_answered(
    process: Process, desk: Desk
) -> None:
    key = desk.key()
    with ExitStack() as stack, process.client(key) as http:
        for _ in range(2):
            photos_that_inflate(process, key)
        before = process.resident_megabytes
        lorises = [stack.enter_context(connected(process)) for _ in range(100)]
        for loris in lorises:
            loris.sendall(b"POST /v1/pre")
        for attack in ATTACKS:
            attack(process, key)
            answer = http.post("/v1/predictions", content=make_photo())
            assert answer.status_code == 200, attack.__name__
        told = [loris.recv(4_096) for loris in lorises]
        assert {status(one) for one in told} <= {None, 400}
        assert process.resident_megabytes - before < MOST_GROWTH


def fates(process: Process, key: str, count: int) -> Counter[int | None]:
    """The statuses told to so many connections opened at once, of which none says anything; none
    where it was closed without a word. A request among them is answered, or told 503."""
    with ExitStack() as stack:
        held = [stack.enter_context(connected(process)) for _ in range(count)]
        with process.client(key) as http:
            http.timeout = 60
            answer = http.post("/v1/predictions", content=make_photo())
        assert answer.status_code in {200, 503}
        found: Counter[int | None] = Counter()
        for connection in held:
            try:
                said = connection.recv(4_096)
            except ConnectionResetError:
                said = b""
            found[status(said)] += 1
    return found


def check_crowd(process: Process, key: str, count: int, most: int) -> None:
    """The first wait in vain and are told 400, the others 503 at once; then all is as before."""
    before = process.resident_megabytes
    found = fates(process, key, count)
    assert found[400] + found[None] >= most - 10
    assert found[503] >= count - most - 10
    assert process.resident_megabytes - before < MOST_GROWTH
    with process.client(key) as http:
        assert http.post("/v1/predictions", content=make_photo()).status_code == 200


@pytest.mark.whole
def test_more_connections_than_are_held(process: Process, desk: Desk) -> None:
    check_crowd(process, desk.key(), 1_000, MOST_CONNECTIONS)


@pytest.mark.slow
@pytest.mark.parametrize("process", [4_096], indirect=True)
def test_ten_thousand_connections(process: Process, desk: Desk) -> None:
    check_crowd(process, desk.key(), 10_000, 4_096)
