"""The Kaggle download, by the real client against a local server that speaks its API."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from factories.photo import make_photo

from mycovigil_training.dataset.curation import curate
from mycovigil_training.dataset.fetch.failure import FetchFailed
from mycovigil_training.dataset.fetch.kaggle import SEED, address, download


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for seed, name in enumerate(("edible", "edible", "deadly", "deadly")):
            file.writestr(f"Classes/{name}/Genus_{name}/{seed}.png", make_photo(seed=seed))
    return stream.getvalue()


class Kaggle(BaseHTTPRequestHandler):
    """Two calls of Kaggle's API: the dataset's newest version, and its archive."""

    asked: list[str]
    # What is answered before anything else.
    failures: list[int]
    known = SEED.split("/")[1]

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        request = json.loads(self.rfile.read(length) or b"{}")
        type(self).asked.append(self.path.rsplit("/", 1)[1])
        if self.failures:
            self._answer(self.failures.pop(), "application/json", b'{"message": "not now"}')
        elif request.get("datasetSlug") != self.known:
            self._answer(404, "application/json", b'{"code": 404, "message": "not found"}')
        elif self.path.endswith("/GetDataset"):
            self._answer(200, "application/json", b'{"currentVersionNumber": 3}')
        else:
            self._answer(200, "application/zip", archive())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No lines on the test's output."""


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Kaggle]]:
    from kagglehub import clients
    from kagglesdk import kaggle_env

    # Reads every frame's source to name our libraries in the user agent: seconds, beside torch.
    monkeypatch.setattr(clients, "search_lib_in_call_stack", lambda _: None)
    handler = type("Session", (Kaggle,), {"asked": [], "failures": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.TEST, address)
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_seed_photos_are_downloaded_once_and_can_be_curated(
    kaggle: type[Kaggle], tmp_path: Path
) -> None:
    folder = download(SEED)
    assert download(SEED) == folder
    assert sum("Download" in call for call in kaggle.asked) == 1
    report = curate(folder, tmp_path / "curated")
    assert report.photos == {"deadly": 2, "edible": 2}
    assert report.misnamed == 4


def test_an_unknown_dataset_says_what_to_do(kaggle: type[Kaggle]) -> None:
    with pytest.raises(FetchFailed, match="download it by hand") as failed:
        download("somebody/nothing")
    assert "kaggle.com/datasets/somebody/nothing" in str(failed.value)


def test_a_server_that_fails_is_asked_again(kaggle: type[Kaggle], tmp_path: Path) -> None:
    kaggle.failures[:] = [503, 500]
    pauses: list[float] = []
    assert download(SEED, pauses.append).is_dir()
    assert pauses


def test_missing_credentials_say_where_they_go(kaggle: type[Kaggle]) -> None:
    kaggle.failures[:] = [401] * 9
    with pytest.raises(FetchFailed, match="KAGGLE_USERNAME and KAGGLE_KEY"):
        download(SEED, lambda _: pytest.fail("asked again"))


def test_the_address_of_the_archive_is_known(kaggle: type[Kaggle]) -> None:
    assert address(SEED).startswith("http://127.0.0.1")
