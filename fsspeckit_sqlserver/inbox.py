"""What one client has said and nobody has answered yet: filled by the event loop, emptied by one worker at a time.

Lock: `_lock` guards everything; nothing blocking is done under it, and no other lock is taken.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fsspeckit_lib.errors import Cancelled
from fsspeckit_sqlserver.session.errors import ClientGone, ConnectionEnded
from fsspeckit_sqlserver.wire.fields import FramingError, MalformedMessage
from fsspeckit_sqlserver.wire.frontend import FrontendMessage
from fsspeckit_sqlserver.wire.notification import NotificationResponse

__all__ = ["End", "Exchange", "Inbox", "Item"]

_MOST_MESSAGES: Final = 256  # decoded messages that wait for the worker, of a client that pipelines
_HEAVY_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class End:
    """The last item: the client is gone."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Messages that came together, in these bytes, and ask for one thing."""

    asked: bytes
    messages: tuple[FrontendMessage, ...]


Item: TypeAlias = (
    Exchange | FrontendMessage | FramingError | MalformedMessage | ConnectionEnded | NotificationResponse | End
)


class Inbox:
    """See the module. Any thread may call anything, but `take` and `receive` are the worker's."""

    def __init__(self, max_bytes: int, on_room: Callable[[], None]) -> None:
        """Begin empty.

        Args:
            max_bytes: of messages that wait.
            on_room: called when there may be room again after there was little.
        """
        self._max_bytes, self._on_room = max_bytes, on_room
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._later: deque[tuple[Item, int]] = deque()
        self._queue: deque[tuple[Item, int]] = deque()
        self._queued_bytes = 0
        self._is_occupied = False

    def room(self) -> tuple[int, int]:
        """Return how many messages and bytes more may wait."""
        with self._lock:
            return _MOST_MESSAGES - len(self._queue), self._max_bytes - self._queued_bytes

    def put(self, items: Sequence[tuple[Item, int]]) -> bool:
        """Add items and their sizes; return whether a worker has to be called."""
        with self._lock:
            self._queue.extend(items)
            self._queued_bytes += sum(size for _, size in items)
            if self._is_occupied:
                self._arrived.notify_all()
                return False
            self._is_occupied = True
            return True

    def take(self) -> Item | None:
        """Return the next item; None when there is none, and then the worker must go."""
        with self._lock:
            self._queue.extendleft(reversed(self._later))
            self._later.clear()
            if not self._queue:
                self._is_occupied = False
                return None
            item, was_full = self._pop()
        if was_full:
            self._on_room()
        return item

    def occupy(self) -> bool:
        """Take a worker's place, if nobody has it."""
        with self._lock:
            is_free = not self._is_occupied
            self._is_occupied = True
            return is_free

    def leave(self) -> bool:
        """Give the place back; return whether a worker has to be called to it."""
        with self._lock:
            self._is_occupied = bool(self._queue)
            return self._is_occupied

    def receive(self, give_up: Callable[[], bool]) -> FrontendMessage:
        """Wait for the next message in the middle of a statement: see `session.outside.Switchboard`."""
        with self._lock:
            self._arrived.wait_for(lambda: bool(self._queue) or give_up())
            while self._queue and isinstance(self._queue[0][0], NotificationResponse):
                self._later.append(self._queue.popleft())  # heard when the statement is over
                self._arrived.wait_for(lambda: bool(self._queue) or give_up())
            if not self._queue or isinstance(self._queue[0][0], End | ConnectionEnded):
                if self._queue and isinstance(self._queue[0][0], ConnectionEnded):
                    raise Cancelled("terminating connection due to administrator command")
                raise ClientGone("the client closed the connection")
            item, was_full = self._pop()
            if isinstance(item, Exchange):
                self._queue.extendleft((message, 0) for message in reversed(item.messages[1:]))
                item = item.messages[0]
        if was_full:
            self._on_room()
        if isinstance(item, FramingError | MalformedMessage):
            raise item
        assert not isinstance(item, ConnectionEnded | NotificationResponse | End)
        return item

    def wake(self) -> None:
        """Make `receive` look at `give_up` again."""
        with self._lock:
            self._arrived.notify_all()

    def _pop(self) -> tuple[Item, bool]:
        """Return the next item, and whether the event loop may have stopped decoding. Call with the lock held."""
        is_heavy = self._queued_bytes > min(_HEAVY_BYTES, self._max_bytes // 2)
        was_full = is_heavy or len(self._queue) >= _MOST_MESSAGES // 2
        item, size = self._queue.popleft()
        self._queued_bytes -= size
        return item, was_full
