"""Wrong passwords, counted by the address they come from: it waits longer each time, then is shut out for a while.

Pure but for the clock it is given. Safe from any thread. This machine's own addresses wait, but are never shut out: one
program with an old password would shut out all others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fsspeckit_sqlserver.auth.access import Peer
from fsspeckit_sqlserver.auth.errors import TooManyFailures

__all__ = ["Failures"]

_FORGET_S: Final = 600.0
_FIRST_DELAY_S: Final = 0.25
_LONGEST_DELAY_S: Final = 4.0
_LONGEST_BAN_S: Final = 3600.0
_ADDRESSES: Final = 10_000  # remembered at most: those that failed last


@dataclass(slots=True)
class _Record:
    count: int = 0
    bans: int = 0
    last_at: float = 0.0
    banned_until: float = 0.0


class Failures:
    """The failed logins of the last ten minutes."""

    def __init__(self, clock: Callable[[], float], *, most: int = 10, ban_s: float = 60.0) -> None:
        """Begin with none.

        Args:
            clock: monotonic seconds.
            most: so many from one address, none successful between them, shut it out.
            ban_s: for so long; twice as long each time after that, an hour at most.
        """
        self._clock = clock
        self._most = most
        self._ban_s = ban_s
        self._lock = threading.Lock()
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def delay_s(self, address: str) -> float:
        """Return how long a new connection from there waits before it is answered."""
        with self._lock:
            record = self._fresh(address)
            if record is None or record.count < 2:
                return 0.0
            return float(min(_FIRST_DELAY_S * 2 ** min(record.count - 2, 10), _LONGEST_DELAY_S))

    def check(self, peer: Peer) -> None:
        """Refuse a peer that is shut out.

        Raises:
            TooManyFailures: says for how long.
        """
        with self._lock:
            record = self._fresh(peer.address)
            wait_s = record.banned_until - self._clock() if record is not None else 0.0
        if wait_s > 0:
            raise TooManyFailures(peer.address, wait_s)

    def failed(self, peer: Peer) -> None:
        """Count one."""
        now = self._clock()
        with self._lock:
            record = self._fresh(peer.address) or _Record()
            self._records[peer.address] = record
            self._records.move_to_end(peer.address)
            record.count += 1
            record.last_at = now
            if record.count >= self._most and not peer.is_loopback:
                record.banned_until = now + min(self._ban_s * 2**record.bans, _LONGEST_BAN_S)
                record.bans += 1
                record.count = 0
            if len(self._records) > _ADDRESSES:
                self._records.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget what failed from there before."""
        with self._lock:
            self._records.pop(address, None)

    def _fresh(self, address: str) -> _Record | None:
        record = self._records.get(address)
        if record is not None and self._clock() > max(record.last_at, record.banned_until) + _FORGET_S:
            del self._records[address]
            return None
        return record
