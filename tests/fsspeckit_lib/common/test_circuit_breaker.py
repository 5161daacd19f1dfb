"""The states of a circuit breaker, on a clock that only the test moves."""

from __future__ import annotations

import threading

import pytest

from fsspeckit_lib.common.circuit_breaker import BreakerSnapshot, BreakerState, CircuitBreaker, CircuitOpen


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def state(breaker: CircuitBreaker) -> BreakerState:
    return breaker.state


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failure(OSError("dead"))


def test_the_way_round() -> None:
    clock, seen = Clock(), list[BreakerSnapshot]()
    breaker = CircuitBreaker(2, 10.0, name="b", clock=clock, on_change=seen.append)
    fail(breaker, 1)
    breaker.success()
    fail(breaker, 1)
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker, 1)
    assert state(breaker) is BreakerState.OPEN
    with pytest.raises(CircuitOpen, match=r"2 times in a row \(last: dead\)"):
        breaker.before()
    clock.now = 10.0
    assert state(breaker) is BreakerState.HALF_OPEN
    breaker.before()
    fail(breaker, 1)
    assert state(breaker) is BreakerState.OPEN
    clock.now = 20.0
    assert breaker.call(lambda: 7) == 7
    assert breaker.snapshot() == BreakerSnapshot("b", BreakerState.CLOSED, 0, 1, 1, "dead")
    assert [found.state for found in seen] == [BreakerState.OPEN, BreakerState.CLOSED]


def test_half_open_lets_one_of_many_threads_through() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 5.0, clock=clock)
    fail(breaker, 1)
    clock.now = 5.0
    start, passed = threading.Barrier(16), list[int]()

    def ask() -> None:
        start.wait()
        try:
            breaker.before()
        except CircuitOpen:
            return
        passed.append(1)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), breaker.snapshot().refused) == (1, 15)


def test_other_errors_are_answers() -> None:
    breaker = CircuitBreaker(1, expected_exception=OSError)
    with pytest.raises(KeyError):
        breaker.call(lambda: dict[str, int]()["x"])
    assert state(breaker) is BreakerState.CLOSED


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CircuitBreaker(0)
