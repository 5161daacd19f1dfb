"""Waiting for what a thread does without giving up the right to leave: the wait ends when a checkpoint raises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

__all__ = ["POLL_S", "wait_for"]

POLL_S: Final = 0.05

T = TypeVar("T")


def wait_for(future: Future[T], checkpoint: Callable[[], None], poll_s: float = POLL_S) -> T:
    """Return what a future gives.

    Args:
        checkpoint: called again and again until then; what it raises ends the wait, not the work.
        poll_s: seconds between two calls.

    Raises:
        Exception: the future's own, or the checkpoint's.
    """
    while True:
        checkpoint()
        try:
            return future.result(poll_s)
        except TimeoutError:
            if future.done():  # just now; or the error is its own
                return future.result()
