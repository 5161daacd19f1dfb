"""LISTEN and NOTIFY among the sessions of this server. Thread-safe.

Lock: `_lock` guards the listeners; none of them is called while it is held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from fsspeckit_sqlserver.wire.notification import NotificationResponse

__all__ = ["Channels", "Listener"]

Listener: TypeAlias = Callable[[NotificationResponse], None]
"""Takes a notification for one session. Any thread; never blocks."""


class Channels:
    """Who listens to what."""

    def __init__(self) -> None:
        """Begin without listeners."""
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Listener]] = {}

    def listen(self, channel: str, listener: Listener) -> None:
        """Tell the listener what comes on a channel from now on."""
        with self._lock:
            self._listeners.setdefault(channel, set()).add(listener)

    def unlisten(self, channel: str | None, listener: Listener) -> None:
        """Stop telling it; None stands for all channels."""
        with self._lock:
            for name in [channel] if channel is not None else list(self._listeners):
                listeners = self._listeners.get(name, set())
                listeners.discard(listener)
                if not listeners:
                    self._listeners.pop(name, None)

    def notify(self, notification: NotificationResponse, sender: Listener) -> bool:
        """Tell everybody else who listens; return whether the sender does, who tells its client itself."""
        with self._lock:
            listeners = list(self._listeners.get(notification.channel, ()))
        for listener in listeners:
            if listener != sender:
                listener(notification)
        return sender in listeners
