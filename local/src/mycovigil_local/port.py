"""Free ports of the loopback interface."""

import random
import socket

# Below the ephemeral ports of Linux (32768) and macOS (49152): a port that the kernel hands out by
# itself may be an outgoing connection's before a slow server has bound it.
RANGE = range(15_000, 32_000)


class PortTaken(OSError):
    """Another process listens on the port."""


def free_port(wanted: int = 0) -> int:
    """``wanted`` if no process has it, or any free port for 0.

    Raises:
        PortTaken: the wanted port is taken.
    """
    if wanted:
        try:
            return _bound(wanted)
        except OSError as error:
            raise PortTaken(f"port {wanted} is taken") from error
    chooser = random.SystemRandom()
    while True:
        try:
            return _bound(chooser.choice(RANGE))
        except OSError:
            continue


def _bound(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return port
