"""What a stand-in server does wrong, and to which requests: a script that tests write.

Pure. A fault strikes the requests that its pattern matches, `times` of them, and is used up; faults are tried in the
order in which they were added. `at_random` strikes a share of all requests, by a seeded generator.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Fault", "FaultScript"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: `status` answers with `status`, `headers` and `body`; `cut` sends half of the right body; `reset` breaks
            the connection before an answer; `lose` does what was asked and then breaks it; `stall` waits `seconds` and
            then answers rightly; `drip` sends the right answer in ten pieces within `seconds`.
        path: a regular expression that is searched in `METHOD /path?query`.
        times: how many requests it strikes.
    """

    kind: str
    path: str = ""
    times: int = 1
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0


class FaultScript:
    """The faults that are still due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: list[tuple[Fault, int]] = []
        self._random: tuple[random.Random, float, tuple[Fault, ...]] | None = None

    def add(self, *faults: Fault) -> None:
        """Add faults to the end of the script."""
        with self._lock:
            self._due.extend((fault, fault.times) for fault in faults)

    def at_random(self, share: float, faults: tuple[Fault, ...], seed: int) -> None:
        """Strike that share of all requests with one of the faults."""
        with self._lock:
            self._random = (random.Random(seed), share, faults)

    def clear(self) -> None:
        """Let everything go well."""
        with self._lock:
            self._due = []
            self._random = None

    def next_for(self, request: str) -> Fault | None:
        """Return the fault that strikes a request `METHOD /path?query`, and count it."""
        with self._lock:
            for at, (fault, times) in enumerate(self._due):
                if re.search(fault.path, request):
                    if times > 1:
                        self._due[at] = (fault, times - 1)
                    else:
                        del self._due[at]
                    return fault
            if self._random is not None:
                chosen, share, faults = self._random
                if chosen.random() < share:
                    return chosen.choice(faults)
            return None
