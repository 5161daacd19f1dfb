"""Asking a storage that tells of changes whether anything has changed, now and then.

Git storages do: a ref is one commit, and one small request tells which. Within the poll's time a change is seen without
waiting for any TTL, and without one request a file.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.vfs.ports import TellsChanges

__all__ = ["ChangePoll"]

_log = logging.getLogger(__name__)


class ChangePoll:
    """A thread that asks every `every_s` seconds and calls `on_change` after each change."""

    def __init__(self, storage: TellsChanges, every_s: float, on_change: Callable[[], object]) -> None:
        self._storage = storage
        self._every_s = every_s
        self._on_change = on_change
        self._stopping = threading.Event()
        self._known: str | None = None
        self._changes = 0

    def start(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._run, name="poll", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()

    def describe(self) -> str:
        """Return what `status` says of it."""
        return f"polled every {self._every_s:g} s, at {self._known or 'nothing yet'}, {self._changes} changes seen"

    def ask(self) -> None:
        """Ask once; a storage that does not answer is asked again next time."""
        try:
            token = self._storage.change_token()
        except GatewayError as error:
            _log.debug("changes could not be asked for: %s", error)
            return
        if self._known is not None and token != self._known:
            self._changes += 1
            _log.info("the storage changed: %s is now %s", self._known, token)
            self._on_change()
        self._known = token

    def _run(self) -> None:
        while True:
            self.ask()
            if self._stopping.wait(self._every_s):
                return
