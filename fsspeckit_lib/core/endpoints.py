"""The way to one endpoint: every request to a remote storage goes through `Endpoint.call`.

It bounds the requests in flight, asks the circuit breaker, translates errors, and repeats a transfer that broke off.
What an endpoint is: the storages that fail together, i.e. one server or one provider's service. Stores of the same
endpoint in one process share one `Endpoint`, so a dead server is found out once, not once per open file.

After a fork the child is refused at once. The threads of obstore's runtime, of which a process has one, do not exist
there: a request would hang for ever, in a store made before the fork or after it, and the epoll descriptor that both
processes share would make the parent hang too (seen with obstore 0.12).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from fsspeckit_lib.common.circuit_breaker import BreakerSnapshot, CircuitBreaker
from fsspeckit_lib.common.retry import retrying
from fsspeckit_lib.common.secrets import forget_locals
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.errors import (
    GatewayError,
    OutcomeUnknown,
    ShortRead,
    TimedOut,
    TransferBroken,
    Unavailable,
    Unsupported,
)

__all__ = ["Endpoint", "endpoint_for", "endpoints"]

T = TypeVar("T")

_logger = logging.getLogger(__name__)

FAILURE_THRESHOLD = 10
"""Failures in a row that open the breaker. Above the four parts one cold file fetches at once, twice over."""
RECOVERY_TIMEOUT_S = 2.0
"""Short: a mount recovers by itself, and one trial every two seconds hurts nobody."""

_BROKEN: tuple[type[Exception], ...] = (ShortRead, TransferBroken)


class Endpoint:
    """Shared by the stores of one server.

    Args:
        name: for people: `s3-127.0.0.1-8333`.
        max_concurrency: requests in flight at once; more wait for their turn.
        retries: further attempts of a read that fails as `retryable` says.
        retryable: errors after which a read is tried again. A client that retries by itself leaves only broken
            transfers to this.
        survives_fork: False for obstore.
    """

    def __init__(
        self,
        name: str,
        *,
        max_concurrency: int = 32,
        retries: int = 3,
        retryable: tuple[type[Exception], ...] = _BROKEN,
        survives_fork: bool = False,
    ) -> None:
        self.name = name
        self.breaker = CircuitBreaker(
            FAILURE_THRESHOLD, RECOVERY_TIMEOUT_S, name=name, expected_exception=Unavailable, on_change=_log_change
        )
        self._slots = threading.BoundedSemaphore(max_concurrency)
        self._retryable = retryable
        self._retrying = retrying(max_retries=max(0, retries - 1), base_delay=0.1, max_delay=2.0, exceptions=retryable)
        self._retries = retries
        self._survives_fork = survives_fork

    def call(self, who: str, request: Callable[[], T], *, is_repeatable: bool = True) -> T:
        """Return what `request` returns.

        Args:
            who: the URL it is about, for error texts.
            request: asks the backend; may be called several times if `is_repeatable`.
            is_repeatable: False for a change: then a lost reply is OutcomeUnknown.

        Raises:
            GatewayError: the backend's error, translated.
        """
        if not self._survives_fork:
            _refuse_after_fork(who)
        try:
            return self._once(who, request)
        except self._retryable:
            if not is_repeatable or not self._retries:
                raise
        return self._retrying(lambda: self._once(who, request))

    def change(self, who: str, request: Callable[[], T]) -> T:
        """Return what `request`, which changes something, returns: never repeated here.

        Raises:
            OutcomeUnknown: it was sent, and no answer came.
        """
        try:
            return self.call(who, request, is_repeatable=False)
        except (TimedOut, TransferBroken) as error:
            raise OutcomeUnknown(
                f"{who}: the change was sent and its answer was lost ({error}); look whether it happened before "
                "you repeat it"
            ) from error

    def pages(self, who: str, listing: Iterator[T]) -> Iterator[T]:
        """Yield a listing's pages, each fetched as one request; a listing that breaks off raises."""
        while True:
            page = self.call(who, lambda: next(listing, None), is_repeatable=False)
            if page is None:
                return
            yield page

    def _once(self, who: str, request: Callable[[], T]) -> T:
        self.breaker.before()
        try:
            with self._slots:
                result = request()
        except GatewayError as error:
            forget_locals(error)
            self._count(error)
            raise
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise  # KeyboardInterrupt, SystemExit, GeneratorExit
            translated = translate(error, who)
            forget_locals(error)  # a backend's frames hold headers, passwords and signed URLs
            self._count(translated)
            raise translated from error
        self.breaker.success()
        return result

    def _count(self, error: GatewayError) -> None:
        if isinstance(error, Unavailable):
            self.breaker.failure(error)
        else:
            self.breaker.success()


def endpoint_for(
    name: str,
    *,
    max_concurrency: int = 32,
    retries: int = 3,
    retryable: tuple[type[Exception], ...] = _BROKEN,
    survives_fork: bool = False,
) -> Endpoint:
    """Return the process's endpoint of that name and shape, made when first asked for."""
    key = (name, max_concurrency, retries, retryable, survives_fork)
    with _lock:
        found = _endpoints.get(key)
        if found is None:
            found = Endpoint(
                name,
                max_concurrency=max_concurrency,
                retries=retries,
                retryable=retryable,
                survives_fork=survives_fork,
            )
            _endpoints[key] = found
        return found


def endpoints() -> list[BreakerSnapshot]:
    """Return how the breakers of all endpoints of this process stand."""
    with _lock:
        return [endpoint.breaker.snapshot() for endpoint in _endpoints.values()]


def _log_change(found: BreakerSnapshot) -> None:
    if found.failures:
        _logger.warning("%s: circuit %s after: %s", found.name, found.state.value, found.last_failure)
    else:
        _logger.warning("%s: circuit closed, it answers again", found.name)


def _refuse_after_fork(who: str) -> None:
    global _runtime_process_id
    process_id = os.getpid()
    if _runtime_process_id is None:
        _runtime_process_id = process_id  # this very request starts the runtime
    elif _runtime_process_id != process_id:
        raise Unsupported(
            f"{who}: this process was forked from one that had used a storage, whose connections do not survive that; "
            'start processes with multiprocessing\'s "spawn" or "forkserver", or use storages only after the fork'
        )


def _forget_in_child() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    _endpoints.clear()


_lock = threading.Lock()
_endpoints: dict[tuple[object, ...], Endpoint] = {}
_runtime_process_id: int | None = None
os.register_at_fork(after_in_child=_forget_in_child)
