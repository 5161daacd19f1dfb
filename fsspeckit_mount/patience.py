"""System calls that a hanging daemon would hold for ever: the kernel lets nobody give them up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["answer_within"]

_T = TypeVar("_T")


def answer_within(timeout_s: float, call: Callable[[], _T]) -> _T:
    """Return what `call` returns, made in a thread of its own, which is left behind where it hangs.

    Raises:
        TimeoutError: it has not returned in time.
        OSError: of the call.
    """
    answers: queue.SimpleQueue[tuple[_T | None, OSError | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except OSError as error:
            answers.put((None, error))

    threading.Thread(target=run, name="patience", daemon=True).start()
    try:
        answer, failure = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError(f"no answer within {timeout_s:g} s") from None
    if failure is not None:
        raise failure
    return answer  # type: ignore[return-value]  # one of the two is given
