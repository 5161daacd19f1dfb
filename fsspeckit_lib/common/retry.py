"""Try again what may succeed later, with growing pauses and jitter (tenacity does the work)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar, overload

import tenacity

from fsspeckit_lib.errors import ShortRead, Unavailable

__all__ = ["RETRYABLE", "retry_with_backoff", "retrying"]

P = ParamSpec("P")
R = TypeVar("R")

_logger = logging.getLogger(__name__)

RETRYABLE: tuple[type[Exception], ...] = (Unavailable, ShortRead, ConnectionError, TimeoutError)
"""Errors that say nothing about the data: the same question may be answered next time."""


def retrying(
    *,
    max_retries: int,
    base_delay: float,
    max_delay: float = 30.0,
    exceptions: tuple[type[BaseException], ...] = RETRYABLE,
    sleep: Callable[[float], None] | None = None,
) -> tenacity.Retrying:
    """Return a controller that calls a function up to `1 + max_retries` times; the last error comes out as it is.

    Pauses are drawn from [0, base_delay × 2ⁿ], at most `max_delay` seconds ("full jitter", AWS Architecture Blog,
    "Exponential Backoff And Jitter": clients that failed together do not come back together).
    """
    if max_retries < 0 or base_delay < 0:
        raise ValueError(f"retry: found max_retries={max_retries}, base_delay={base_delay}; wanted neither below 0")
    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(1 + max_retries),
        wait=tenacity.wait_random_exponential(multiplier=base_delay, max=max_delay),
        retry=tenacity.retry_if_exception_type(exceptions),
        before_sleep=tenacity.before_sleep_log(_logger, logging.INFO),
        reraise=True,
        **({} if sleep is None else {"sleep": sleep}),  # type: ignore[arg-type]  # tenacity's own default otherwise
    )


@overload
def retry_with_backoff(func: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def retry_with_backoff(
    *,
    max_retries: int = 3,
    base_delay: float = 1.0,
    max_delay: float = 30.0,
    exceptions: tuple[type[BaseException], ...] = RETRYABLE,
    sleep: Callable[[float], None] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def retry_with_backoff(
    func: Callable[P, R] | None = None,
    /,
    *,
    max_retries: int = 3,
    base_delay: float = 1.0,
    max_delay: float = 30.0,
    exceptions: tuple[type[BaseException], ...] = RETRYABLE,
    sleep: Callable[[float], None] | None = None,
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that is called again when it fails in a way that may pass.

    As `@retry_with_backoff` or with options. Only for what may safely be done twice.

    Args:
        func: the function, when used without parentheses.
        max_retries: further calls after the first.
        base_delay: seconds; the n-th pause is drawn from [0, base_delay × 2ⁿ].
        max_delay: longest pause in seconds.
        exceptions: what is tried again; every other error comes out at once.
        sleep: how to pause; `time.sleep` by default.
    """
    policy = retrying(
        max_retries=max_retries, base_delay=base_delay, max_delay=max_delay, exceptions=exceptions, sleep=sleep
    )
    return policy.wraps(func) if func is not None else policy.wraps
