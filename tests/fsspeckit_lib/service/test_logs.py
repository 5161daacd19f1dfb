"""What of a flood of warnings is written."""

from __future__ import annotations

import logging

from fsspeckit_lib.service.logs import FloodGate


def _record(message: str, argument: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("mount", level, __file__, 1, message, (argument,), None)


def test_a_flood_of_one_kind_is_cut_and_counted() -> None:
    now = [100.0]
    gate = FloodGate(3, 60, lambda: now[0])
    passed = [gate.filter(_record("failed: %s", str(number))) for number in range(10)]
    assert passed == [True] * 3 + [False] * 7
    assert gate.filter(_record("another kind: %s", "x"))
    assert all(gate.filter(_record("failed: %s", "x", level)) for level in (logging.DEBUG, logging.INFO, logging.ERROR))
    now[0] += 60
    record = _record("failed: %s", "again")
    assert gate.filter(record)
    assert record.getMessage() == "failed: again (7 more like this were left out)"
    assert [gate.filter(_record("failed: %s", "x")) for _ in range(4)] == [True, True, False, False]


def test_what_is_no_flood_is_written_as_it_is() -> None:
    now = [0.0]
    gate = FloodGate(3, 60, lambda: now[0])
    for number in range(20):
        record = _record("failed: %s", str(number))
        assert gate.filter(record)
        assert record.getMessage() == f"failed: {number}"
        now[0] += 30
