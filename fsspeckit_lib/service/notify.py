"""Tell systemd how a daemon fares: sd_notify(3), a datagram to $NOTIFY_SOCKET. Without that variable, nothing."""

from __future__ import annotations

import logging
import os
import socket

__all__ = ["notify"]

_logger = logging.getLogger(__name__)


def notify(state: str) -> None:
    """Send a state such as `READY=1`, `STOPPING=1` or `STATUS=…`. A failure is logged, never raised."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(state.encode(), address)
    except OSError as error:
        _logger.warning("systemd could not be told %r: %s", state, error)
