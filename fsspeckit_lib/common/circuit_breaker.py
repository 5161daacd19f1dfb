"""Stop asking an endpoint that fails, and find out when it is back.

    closed ──(failure_threshold failures in a row)──► open ──(recovery_timeout_s)──► half-open
       ▲                                                ▲                               │
       └────────────────── success of one trial ────────┼───────────────────────────────┘
                                                        └──── failure of the trial ─────┘

While open, calls fail at once instead of each waiting for its own timeout; half-open lets one trial through at a time.
Own code because the kept libraries hold their lock during the call (pybreaker 1.4), which would send one request of an
endpoint at a time.

Thread-safe. `_lock` is never held while the guarded call or the listener runs.
"""

from __future__ import annotations

import enum
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from fsspeckit_lib.errors import Unavailable

__all__ = ["BreakerSnapshot", "BreakerState", "CircuitBreaker", "CircuitOpen"]

P = ParamSpec("P")
R = TypeVar("R")


class BreakerState(enum.Enum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitOpen(Unavailable):
    """The call was not made: the endpoint failed again and again just before."""

    kind = "circuit-open"


@dataclass(frozen=True, slots=True)
class BreakerSnapshot:
    """What a breaker looks like from outside: for status, logs and metrics.

    Attributes:
        failures: in a row, up to now.
        opened: how often it opened.
        refused: calls that were not made.
        last_failure: words of the last one; empty when there was none.
    """

    name: str
    state: BreakerState
    failures: int
    opened: int
    refused: int
    last_failure: str


class CircuitBreaker:
    """One endpoint's breaker: around calls (`call`, or as a decorator), or by hand (`before`, then an outcome)."""

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout_s: float = 30.0,
        *,
        name: str = "circuit breaker",
        expected_exception: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[BreakerSnapshot], None] | None = None,
    ) -> None:
        """Begin closed.

        Args:
            failure_threshold: failures in a row that open it; at least 1.
            recovery_timeout_s: seconds from opening to the next trial.
            name: the endpoint, for people.
            expected_exception: what counts as a failure in `call`; other errors count as an answer.
            clock: seconds that never go back.
            on_change: called after each change of state, in the thread that caused it.
        """
        if failure_threshold < 1 or recovery_timeout_s < 0:
            raise ValueError(
                f"{name}: found failure_threshold={failure_threshold}, recovery_timeout_s={recovery_timeout_s}; "
                "wanted at least 1, and not less than 0"
            )
        self.name = name
        self._threshold = failure_threshold
        self._recovery_s = recovery_timeout_s
        self._expected = expected_exception
        self._clock = clock
        self._on_change = on_change
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._trial_until = 0.0
        self._opened = 0
        self._refused = 0
        self._last_failure = ""

    @property
    def state(self) -> BreakerState:
        """What the next call would meet."""
        with self._lock:
            return self._state()

    def snapshot(self) -> BreakerSnapshot:
        """Return the state and the counts at one moment."""
        with self._lock:
            return self._snapshot()

    def before(self) -> None:
        """Ask to make a call.

        Raises:
            CircuitOpen: not now; says when, and why.
        """
        if not self._opened:  # it never was anything but closed: no lock on the way of every request
            return
        with self._lock:
            opened_at = self._opened_at
            if opened_at is None:
                return
            now = self._clock()
            wait_s = max(opened_at + self._recovery_s, self._trial_until) - now
            if wait_s <= 0:
                self._trial_until = now + max(self._recovery_s, 1.0)  # a trial that never ends is not waited for
                return
            self._refused += 1
            message = (
                f"{self.name}: not asked, it failed {self._failures} times in a row (last: {self._last_failure}); "
                f"it is tried again in {wait_s:.1f} s"
            )
        raise CircuitOpen(message)

    def success(self) -> None:
        """Say that the endpoint answered, be it with a refusal: it is there."""
        if not self._failures and self._opened_at is None:
            return
        with self._lock:
            changed = self._opened_at is not None
            self._failures, self._opened_at, self._trial_until = 0, None, 0.0
            found = self._snapshot()
        self._tell(found, changed)

    def failure(self, error: BaseException) -> None:
        """Say that the endpoint did not answer."""
        with self._lock:
            self._failures += 1
            self._last_failure = " ".join(str(error).split()) or type(error).__name__
            changed = self._failures >= self._threshold and self._opened_at is None
            if self._failures >= self._threshold:
                self._opened_at, self._trial_until = self._clock(), 0.0
                self._opened += changed
            found = self._snapshot()
        self._tell(found, changed)

    def call(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `func` unless the breaker is open, and count what comes of it.

        Raises:
            CircuitOpen: it was not called.
        """
        self.before()
        try:
            result = func(*args, **kwargs)
        except self._expected as error:
            self.failure(error)
            raise
        except Exception:
            self.success()
            raise
        self.success()
        return result

    def __call__(self, func: Callable[P, R]) -> Callable[P, R]:
        """Guard every call of `func`."""

        @functools.wraps(func)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return self.call(func, *args, **kwargs)

        return guarded

    def _state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        over = self._clock() >= self._opened_at + self._recovery_s
        return BreakerState.HALF_OPEN if over else BreakerState.OPEN

    def _snapshot(self) -> BreakerSnapshot:
        return BreakerSnapshot(
            self.name, self._state(), self._failures, self._opened, self._refused, self._last_failure
        )

    def _tell(self, found: BreakerSnapshot, changed: bool) -> None:
        if changed and self._on_change is not None:
            self._on_change(found)
