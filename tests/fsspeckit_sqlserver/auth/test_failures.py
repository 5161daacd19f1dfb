"""Delays and bans, on a clock of the test's own."""

from __future__ import annotations

import pytest

from fsspeckit_sqlserver.auth.access import Peer
from fsspeckit_sqlserver.auth.errors import TooManyFailures
from fsspeckit_sqlserver.auth.failures import Failures


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _fail(failures: Failures, address: str, times: int) -> None:
    for _ in range(times):
        failures.failed(Peer(address))


def test_each_failure_waits_longer() -> None:
    failures = Failures(Clock())
    delays = []
    for _ in range(8):
        _fail(failures, "1.2.3.4", 1)
        delays.append(failures.delay_s("1.2.3.4"))
    assert delays == [0, 0.25, 0.5, 1, 2, 4, 4, 4]
    assert failures.delay_s("1.2.3.5") == 0
    failures.succeeded("1.2.3.4")
    assert failures.delay_s("1.2.3.4") == 0


def test_too_many_shut_an_address_out_for_longer_each_time() -> None:
    clock = Clock()
    failures = Failures(clock, most=3, ban_s=60)
    waits = []
    for _ in range(8):
        _fail(failures, "1.2.3.4", 3)
        with pytest.raises(TooManyFailures) as caught:
            failures.check(Peer("1.2.3.4"))
        waits.append(caught.value.wait_s)
        clock.now += caught.value.wait_s
        failures.check(Peer("1.2.3.4"))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    failures.check(Peer("1.2.3.5"))


def test_they_are_forgotten() -> None:
    clock = Clock()
    failures = Failures(clock, most=3)
    _fail(failures, "1.2.3.4", 2)
    clock.now += 601
    _fail(failures, "1.2.3.4", 2)
    failures.check(Peer("1.2.3.4"))


def test_this_machine_waits_but_is_not_shut_out() -> None:
    failures = Failures(Clock(), most=3)
    _fail(failures, "127.0.0.1", 50)
    failures.check(Peer("127.0.0.1"))
    assert failures.delay_s("127.0.0.1") == 4


def test_a_flood_of_addresses_costs_bounded_memory() -> None:
    failures = Failures(Clock())
    for number in range(20_000):
        failures.failed(Peer(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
    assert len(failures._records) == 10_000
