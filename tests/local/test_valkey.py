"""The embedded Valkey: a Redis client works with it, and it keeps what it was given."""

import os
import signal
from pathlib import Path

import redis

from mycovigil_local.port import free_port
from mycovigil_local.process import Child
from mycovigil_local.valkey import READY, valkey_command


def server(folder: Path, port: int) -> Child:
    child = Child("redis", valkey_command(folder, port), os.environ, lambda _name, _line: None)
    child.ready = READY
    child.start()
    child.wait_ready(20)
    return child


def test_a_killed_server_has_its_stream_again(tmp_path: Path) -> None:
    port = free_port()
    first = server(tmp_path, port)
    with redis.Redis(port=port) as client:
        assert client.info("server")["valkey_version"].split(".")[0] == "9"
        client.xadd("alerts", {"id": "1"})
        client.xgroup_create("alerts", "trigger", 0)
        client.execute_command("WAITAOF", 1, 0, 5000)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    first.stop()
    second = server(tmp_path, port)
    with redis.Redis(port=port) as client:
        assert client.xlen("alerts") == 1
        assert [group["name"] for group in client.xinfo_groups("alerts")] == [b"trigger"]
    second.stop()
