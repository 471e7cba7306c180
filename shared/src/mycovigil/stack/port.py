"""Free ports of the loopback interface."""

import socket


def free_port(wanted: int = 0) -> int:
    """``wanted`` if nobody has it, or any free port for 0.

    Raises:
        OSError: the wanted port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", wanted))
        return int(probe.getsockname()[1])
