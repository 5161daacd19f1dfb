"""Waiting for a future that may never come."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from fsspeckit_lib.common.waiting import wait_for
from fsspeckit_lib.errors import Cancelled


def test_what_it_gives_and_what_it_raises() -> None:
    given: Future[int] = Future()
    given.set_result(7)
    assert wait_for(given, lambda: None) == 7
    failed: Future[int] = Future()
    failed.set_exception(TimeoutError("its own"))
    with pytest.raises(TimeoutError, match="its own"):
        wait_for(failed, lambda: None)


def test_the_checkpoint_ends_the_wait_and_not_the_work() -> None:
    asked, go_on = 0, threading.Event()

    def checkpoint() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Cancelled("no more")

    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(go_on.wait, 20)
        with pytest.raises(Cancelled):
            wait_for(future, checkpoint, poll_s=0.001)
        assert not future.done()
        go_on.set()
        assert wait_for(future, lambda: None) is True


def test_what_ends_at_the_last_moment_is_not_a_timeout() -> None:
    """The result comes between the end of a wait and the question whether it has come."""

    class Late(Future[int]):
        def result(self, timeout: float | None = None) -> int:
            if timeout is not None:
                self.set_result(3)
                raise TimeoutError
            return super().result()

    assert wait_for(Late(), lambda: None) == 3
