"""Who may work in DuckDB now: so many calls at a time, the others wait their turn. Thread-safe.

A turn lasts for one call (a start, a batch), not for a query: a client that reads slowly holds nothing up, and long
queries take turns batch by batch. Turns go round by user, so that one user's many sessions do not starve another's.
What touches no table (the catalog, `SELECT 1`) never asks for one.

Lock: `_lock` guards everything; nobody waits while holding it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["FairQueue"]

_LOOK_S: Final = 0.05


class FairQueue:
    """See the module."""

    def __init__(self, places: int) -> None:
        """Let so many in at a time."""
        self._lock = threading.Lock()
        self._free = places
        self._waiting: OrderedDict[str, deque[threading.Lock]] = OrderedDict()  # each taken until its turn comes

    @contextmanager
    def turn(self, user: str, check: Callable[[], None]) -> Iterator[None]:
        """Wait for a turn and hold it.

        Args:
            check: called while waiting; raises when the call was cancelled.
        """
        self._enter(user, check)
        try:
            yield
        finally:
            self._leave()

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def _enter(self, user: str, check: Callable[[], None]) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            called = threading.Lock()  # a tenth of what an Event takes
            called.acquire()
            self._waiting.setdefault(user, deque()).append(called)
        while not called.acquire(timeout=_LOOK_S):
            try:
                check()
            except BaseException:
                self._give_up(user, called)
                raise

    def _give_up(self, user: str, called: threading.Lock) -> None:
        with self._lock:
            others = self._waiting.get(user)
            if others is not None and called in others:
                others.remove(called)
                if not others:
                    del self._waiting[user]
                return
        self._leave()  # it had been called just now

    def _leave(self) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            user, others = next(iter(self._waiting.items()))
            others.popleft().release()
            if others:
                self._waiting.move_to_end(user)
            else:
                del self._waiting[user]
