"""``mycovigil up`` says in one line why it does not start."""

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mycovigil import stack_file
from mycovigil_local import servers
from mycovigil_local.commands.up import app
from mycovigil_local.port import PortTaken, free_port


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command sets handlers for the whole process."""
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def test_another_stack_has_the_folder(tmp_path: Path) -> None:
    with stack_file.locked(tmp_path):
        done = CliRunner().invoke(app, ["--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "another process runs or starts a stack" in done.output.replace("\n", " ")
    assert "--data-dir" in done.output


def test_a_wanted_port_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken"):
            free_port(port)


def test_a_server_may_be_named_by_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://elsewhere/db\n")
    environment = {"MYCOVIGIL_DATABASE_URL_FILE": str(secret)}
    with ExitStack() as exits:
        assert servers.database_server(tmp_path, environment, lambda *_: None, exits) is None
    assert environment == {"MYCOVIGIL_DATABASE_URL": "postgresql://elsewhere/db"}
