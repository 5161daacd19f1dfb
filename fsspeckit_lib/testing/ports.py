"""Free loopback ports for servers that tests, the demo and the benchmarks start."""

from __future__ import annotations

import socket

__all__ = ["free_ports"]


def free_ports(count: int) -> list[int]:
    """Return `count` TCP ports that were free on 127.0.0.1 a moment ago, all different and below 55,000.

    Below 55,000 because SeaweedFS derives its gRPC ports by adding 10,000.
    """
    ports: list[int] = []
    held: list[socket.socket] = []
    try:
        while len(ports) < count:
            listener = socket.socket()
            held.append(listener)
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            if port < 55_000 and _is_free(port + 10_000):
                ports.append(port)
    finally:
        for listener in held:
            listener.close()
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
