"""Fetching over HTTP from a server that truncates, fails, lies and drips."""

import base64
import hashlib
import io
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from factories.photo import make_photo

from mycovigil.backoff import Backoff
from mycovigil_training.dataset.fetch import archive, disk, fetching, remote
from mycovigil_training.dataset.fetch.download import download
from mycovigil_training.dataset.fetch.failure import FetchFailed
from mycovigil_training.dataset.fetch.fetching import fetch
from mycovigil_training.dataset.fetch.remote import RemoteFile

SPECIES, PHOTOS = 3, 6
NAMES = [
    f"Classes/{('edible', 'deadly')[place % 2]}/Species_{place}/{number}.jpg"
    for place in range(SPECIES)
    for number in range(PHOTOS)
]


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for seed, name in enumerate(NAMES):
            file.writestr(name, make_photo(seed=seed))
    return stream.getvalue()


def tarred() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as file:
        for seed, name in enumerate(NAMES):
            data = make_photo(seed=seed)
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


class Server(BaseHTTPRequestHandler):
    """Gives ``data``, in parts if they are asked for; misbehaves as a test tells it."""

    data = b""
    in_parts = True
    md5 = ""
    # Statuses that are answered first, and after how many bytes an answer ends, again and again.
    failures: list[int]
    cut_after = 0
    drips = False
    sent: list[int]
    version = '"1"'
    gate: threading.Event

    def do_GET(self) -> None:
        if self.failures:
            self.send_response(self.failures.pop())
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, stop = self._asked()
        part = self.data[start:stop]
        self.send_response(206 if self._is_part() else 200)
        if self._is_part():
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(self.data)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", self.version)
        if self.md5:
            self.send_header("x-goog-hash", f"crc32c=AAAAAA==,md5={self.md5}")
        self.end_headers()
        if self.drips and len(part) > 1:
            self.wfile.write(part[:10])
            self.wfile.flush()
            self.gate.wait(20)
            return
        sending = part[: self.cut_after] if self.cut_after and len(part) > 1 else part
        self.sent.append(len(sending))
        self.wfile.write(sending)

    def _is_part(self) -> bool:
        same = self.headers.get("If-Range", self.version) == self.version
        return self.in_parts and "Range" in self.headers and same

    def _asked(self) -> tuple[int, int]:
        if not self._is_part():
            return 0, len(self.data)
        start, _, stop = self.headers["Range"].removeprefix("bytes=").partition("-")
        return int(start), int(stop) + 1 if stop else len(self.data)

    def log_message(self, *_: object) -> None:
        """No lines on the test's output."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[type[Server], str]]:
    monkeypatch.setattr(remote, "BACKOFF", Backoff(first=0, longest=0))
    gate = threading.Event()
    handler = type("Once", (Server,), {"failures": [], "sent": [], "gate": gate, "data": zipped()})
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{running.server_address[1]}"
    gate.set()
    running.shutdown()
    running.server_close()
    thread.join()


def photos(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg"))


def test_an_archive_arrives_whole_through_failures_and_cut_answers(
    server: tuple[type[Server], str], tmp_path: Path
) -> None:
    handler, address = server
    handler.failures = [503, 500]
    handler.cut_after = len(handler.data) // 3
    folder = fetch(f"{address}/photos.zip", tmp_path)
    assert photos(folder) == sorted(NAMES)
    assert sum(handler.sent) <= len(handler.data) + 5
    assert fetch(f"{address}/photos.zip", tmp_path) == folder


def test_a_killed_download_goes_on_where_it_was(
    server: tuple[type[Server], str], tmp_path: Path
) -> None:
    handler, address = server
    path = tmp_path / "photos.zip"
    with httpx.Client() as client:
        found = RemoteFile(f"{address}/photos.zip", client)
        half = len(handler.data) // 2
        handler.cut_after, handler.failures = half, []
        with pytest.raises(FetchFailed):
            _fails_after(handler, found, path)
        assert not path.exists()
        handler.cut_after = 0
        handler.failures.clear()
        before = sum(handler.sent)
        assert (
            download(RemoteFile(f"{address}/photos.zip", client), path).read_bytes() == handler.data
        )
        assert sum(handler.sent) - before <= len(handler.data) - half + 1


def _fails_after(handler: type[Server], found: RemoteFile, path: Path) -> None:
    """The first answer ends in the middle, and then the server only fails."""

    def fail(_: float) -> None:
        handler.failures = [500] * 20

    found._pause = fail
    download(found, path)


def test_a_file_that_changed_meanwhile_is_begun_anew(
    server: tuple[type[Server], str], tmp_path: Path
) -> None:
    handler, address = server
    (tmp_path / "photos.zip.part").write_bytes(b"old" * 100)
    (tmp_path / "photos.zip.part.json").write_text('{"size": 300, "version": "\\"0\\""}')
    with httpx.Client() as client:
        path = download(RemoteFile(f"{address}/photos.zip", client), tmp_path / "photos.zip")
    assert path.read_bytes() == handler.data


@pytest.mark.parametrize("says", ["md5", "sha256"])
def test_other_bytes_than_promised_are_thrown_away(
    server: tuple[type[Server], str], tmp_path: Path, says: str
) -> None:
    handler, address = server
    handler.md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode() if says == "md5" else ""
    wanted = hashlib.sha256(b"other").hexdigest() if says == "sha256" else ""
    with pytest.raises(FetchFailed, match="arrived damaged"):
        fetch(f"{address}/photos.zip", tmp_path, sha256=wanted)
    assert list(tmp_path.rglob("*.part")) == []
    handler.md5 = base64.b64encode(hashlib.md5(handler.data).digest()).decode()
    right = hashlib.sha256(handler.data).hexdigest()
    assert photos(fetch(f"{address}/photos.zip", tmp_path, sha256=right)) == sorted(NAMES)


def test_a_drip_is_given_up(
    server: tuple[type[Server], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, address = server
    monkeypatch.setattr(remote, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(remote, "ATTEMPTS", 2)
    handler.drips = True
    with pytest.raises(FetchFailed, match=r"10 bytes in 0 s.*run the command again"):
        fetch(f"{address}/photos.zip", tmp_path)


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar.gz"])
def test_a_sample_stores_only_what_it_keeps(
    server: tuple[type[Server], str], tmp_path: Path, name: str
) -> None:
    handler, address = server
    handler.data = zipped() if name.endswith("zip") else tarred()
    folder = fetch(f"{address}/{name}", tmp_path, sample=2)
    found = photos(folder)
    assert len(found) == 2 * SPECIES
    assert len({Path(one).parent for one in found}) == SPECIES
    assert not list(tmp_path.glob(f"*{name}"))


def test_samples_of_a_zip_and_a_tar_are_the_same(
    server: tuple[type[Server], str], tmp_path: Path
) -> None:
    handler, address = server
    first = photos(fetch(f"{address}/photos.zip", tmp_path, sample=3))
    handler.data = tarred()
    assert photos(fetch(f"{address}/photos.tar.gz", tmp_path, sample=3)) == first


def test_a_sample_of_a_zip_reads_a_part_of_it(
    server: tuple[type[Server], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, address = server
    monkeypatch.setattr(fetching, "BUFFER", 2_048)
    fetch(f"{address}/photos.zip", tmp_path, sample=1)
    assert sum(handler.sent) < len(handler.data) / 2


def test_a_server_without_parts_gives_whole_files_only(
    server: tuple[type[Server], str], tmp_path: Path
) -> None:
    handler, address = server
    handler.in_parts = False
    with pytest.raises(FetchFailed, match="without --sample"):
        fetch(f"{address}/photos.zip", tmp_path, sample=1)
    handler.cut_after = 1_000
    with pytest.raises(FetchFailed, match="could not be fetched"):
        fetch(f"{address}/photos.zip", tmp_path)
    handler.cut_after = 0
    assert photos(fetch(f"{address}/photos.zip", tmp_path)) == sorted(NAMES)


def test_a_damaged_archive_is_named_and_never_taken_for_whole(tmp_path: Path) -> None:
    for name, data in (("a.zip", zipped()), ("b.tar.gz", tarred())):
        path = tmp_path / name
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(FetchFailed, match="is damaged"):
            fetch(str(path), tmp_path / "downloads")
    flipped = bytearray(zipped())
    flipped[len(flipped) // 3] ^= 0xFF
    (tmp_path / "c.zip").write_bytes(flipped)
    with pytest.raises(FetchFailed, match="is damaged"):
        fetch(str(tmp_path / "c.zip"), tmp_path / "downloads")
    assert [path for path in (tmp_path / "downloads").iterdir() if path.suffix != ".part"] == []


@pytest.mark.parametrize(
    "name", ["../x.jpg", "/tmp/mycovigil-elsewhere.jpg", "Classes/../../x.jpg"]
)
def test_a_file_of_a_tar_leads_out_of_no_folder(tmp_path: Path, name: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        file.addfile(tarfile.TarInfo(name), io.BytesIO())
    stream.seek(0)
    with pytest.raises(FetchFailed, match="elsewhere"):
        archive.unpack(stream, "photos.tar", tmp_path / "target", most=0)
    assert not list(tmp_path.rglob("*.jpg"))


def test_a_disk_without_room_is_refused_before_the_first_byte(
    server: tuple[type[Server], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = server
    # More than others can free meanwhile.
    monkeypatch.setattr(disk, "RESERVE", shutil.disk_usage(tmp_path).total)
    with pytest.raises(FetchFailed, match="make room, choose another disk"):
        fetch(f"{address}/photos.zip", tmp_path)
    assert photos(tmp_path) == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("no such thing", "is no folder or archive here"),
        ("{}/photos.rar", "is no archive"),
        ("{}/gone.zip", "answers 404: there is no such file"),
    ],
)
def test_what_cannot_be_fetched_says_so(
    server: tuple[type[Server], str], tmp_path: Path, source: str, why: str
) -> None:
    handler, address = server
    handler.failures = [404] if "gone" in source else []
    with pytest.raises(FetchFailed, match=why):
        fetch(source.format(address), tmp_path)
