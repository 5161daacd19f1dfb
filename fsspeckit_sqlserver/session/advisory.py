"""Advisory locks: numbers that sessions of this server lock against each other. Thread-safe.

Lock: `_changed` guards everything. A session may hold a key several times; it is free for others after as many
releases. There is no search for deadlocks: who waits in one waits until its statement_timeout, or a cancel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeAlias

__all__ = ["AdvisoryLocks", "LockKey"]

LockKey: TypeAlias = tuple[int, ...]
"""One 64-bit number, or two 32-bit ones: two spaces that never meet."""

_LOOK_S: Final = 0.05


class AdvisoryLocks:
    """See the module. An owner is any object: one for each session."""

    def __init__(self) -> None:
        """Begin without any."""
        self._changed = threading.Condition()
        self._held: dict[LockKey, dict[tuple[object, bool], int]] = {}

    def take(self, owner: object, key: LockKey, *, is_shared: bool, check: Callable[[], None] | None) -> bool:
        """Take a lock; return False when somebody else has it and `check` is None.

        Args:
            check: called while waiting; raises when the statement was cancelled.
        """
        with self._changed:
            while not self._is_free(owner, key, is_shared=is_shared):
                if check is None:
                    return False
                self._changed.wait(_LOOK_S)
                check()
            holders = self._held.setdefault(key, {})
            holders[owner, is_shared] = holders.get((owner, is_shared), 0) + 1
            return True

    def release(self, owner: object, key: LockKey, *, is_shared: bool) -> bool:
        """Give a lock back once; return False when the owner did not have it."""
        with self._changed:
            holders = self._held.get(key, {})
            count = holders.get((owner, is_shared), 0)
            if not count:
                return False
            if count > 1:
                holders[owner, is_shared] = count - 1
            else:
                del holders[owner, is_shared]
            if not holders:
                del self._held[key]
            self._changed.notify_all()
            return True

    def release_all(self, owner: object) -> None:
        """Give everything back that the owner has."""
        with self._changed:
            for key in list(self._held):
                holders = self._held[key]
                for is_shared in (False, True):
                    holders.pop((owner, is_shared), None)
                if not holders:
                    del self._held[key]
            self._changed.notify_all()

    def _is_free(self, owner: object, key: LockKey, *, is_shared: bool) -> bool:
        others = [shared for (other, shared) in self._held.get(key, {}) if other is not owner]
        return all(others) if is_shared else not others
