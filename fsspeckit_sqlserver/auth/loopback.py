"""Who may enter without a password: everybody who is already on this machine, nobody else. Pure."""

from __future__ import annotations

import ipaddress

from fsspeckit_lib.errors import InvalidValue

__all__ = ["require_loopback"]


def require_loopback(host: str) -> None:
    """Refuse to listen on an address that other machines reach: there is no authentication yet to stand behind it.

    Raises:
        InvalidValue: `host` is not a loopback address.
    """
    if host == "localhost":
        return
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise InvalidValue(
            f"listen address {host!r}: other machines could reach it and nobody asks them for a password; "
            "listen on 127.0.0.1 or ::1 and tunnel to it (ssh -L)"
        )
