"""Two processes on one bucket of Google Cloud Storage, by its emulator from PyPI."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from factories.outage import until

from mycovigil.settings import StorageSettings
from mycovigil.storage import MissingObject, Storage
from mycovigil_local.port import free_port

URL = "gs://photos/of/product"
OTHER = f"""
from mycovigil.settings import StorageSettings
from mycovigil.storage import Storage
storage = Storage(StorageSettings(url={URL!r}))
storage.write("photos/aa/2.jpg", b"second")
storage.write("photos/bb/1.jpg", b"third")
storage.write("models/m", b"model")
storage.delete("photos/aa/1.jpg")
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for package in ("gcp_storage_emulator", "gcsfs"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (pip install gcp-storage-emulator gcsfs)")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    # Neither looks for credentials, which takes seconds where there are none.
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    options = ["--host=127.0.0.1", f"--port={port}", "--in-memory", "--default-bucket=photos"]
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(address))
        yield
    finally:
        server.terminate()
        server.wait(30)


def answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.usefixtures("bucket")
def test_what_another_process_writes_and_deletes_is_seen() -> None:
    storage = Storage(StorageSettings(url=URL))
    storage.write("photos/aa/1.jpg", b"first")
    assert storage.folders("") == ["photos"]
    assert storage.keys("photos") == ["photos/aa/1.jpg"]
    assert not storage.exists("photos/aa/2.jpg")
    subprocess.run([sys.executable, "-c", OTHER], check=True, env=os.environ)
    assert storage.exists("photos/aa/2.jpg")
    assert storage.read("photos/aa/2.jpg") == b"second"
    assert storage.folders("") == ["models", "photos"]
    assert storage.folders("photos") == ["photos/aa", "photos/bb"]
    assert storage.keys("photos") == ["photos/aa/2.jpg", "photos/bb/1.jpg"]
    assert [key for key, _ in storage.ages("photos")] == storage.keys("photos")
    assert not storage.exists("photos/aa/1.jpg")
    with pytest.raises(MissingObject):
        storage.read("photos/aa/1.jpg")
    storage.delete("photos/bb/1.jpg")
    assert storage.keys("photos") == ["photos/aa/2.jpg"]
