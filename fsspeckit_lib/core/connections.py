"""Servers of one connection, SFTP and FTP: made, found dead, made again.

Everything here is called with the endpoint's only slot held: paramiko and ftplib take one request at a time, and
threads that share a connection wait for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import fsspec

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.errors import Unavailable

__all__ = ["Reconnecting", "connect", "is_alive"]


def connect(protocol: str, kwargs: Mapping[str, Any]) -> Any:
    """Return a new filesystem of fsspec with a connection of its own, on which no answer is awaited for ever."""
    fs = fsspec.filesystem(protocol, **kwargs, skip_instance_cache=True)
    channel = getattr(getattr(fs, "ftp", None), "get_channel", lambda: None)()
    if channel is not None:
        channel.settimeout(kwargs.get("timeout"))  # paramiko's own timeout ends with the login
    return fs


class Reconnecting:
    """A filesystem that is replaced by a new one when its connection is gone; once for each failure.

    Args:
        connect: makes a new filesystem, with a connection of its own.
        fs: the first one.
    """

    def __init__(self, connect: Callable[[], Any], fs: Any) -> None:
        self._connect, self._fs = connect, fs
        self._is_lost = False
        self._process_id = os.getpid()
        self._parents: list[Any] = []

    def current(self) -> Any:
        """Return a filesystem whose connection is not known to be gone.

        Raises:
            Exception: there is no new connection; the next call tries again.
        """
        if self._process_id != os.getpid():
            self._parents.append(self._fs)  # closing it here would end the session of the parent process
            self._process_id, self._is_lost = os.getpid(), True
        if self._is_lost or not is_alive(self._fs):
            self._is_lost = True
            self._fs = self._connect()
            self._is_lost = False
        return self._fs

    def failed(self, error: BaseException) -> None:
        """Make a new connection before the next request if this error may have left the old one unusable."""
        if isinstance(translate(error, ""), Unavailable):
            self._is_lost = True


def is_alive(fs: Any) -> bool:
    """Tell whether a filesystem's connection is not known to be closed. Makes no request."""
    client = getattr(fs, "client", None)
    get_transport = getattr(client, "get_transport", None)
    if get_transport is None:
        return True  # ftplib finds out when it asks
    transport = get_transport()
    return transport is not None and bool(transport.is_active())
