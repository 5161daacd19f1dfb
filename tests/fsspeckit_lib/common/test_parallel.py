"""Order, bounds, errors and the end of `run_parallel`."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from fsspeckit_lib.common.parallel import iter_parallel, run_parallel
from fsspeckit_lib.errors import InvalidValue


@pytest.mark.parametrize("chunk_size", [None, 1, 7, 500])
def test_order_and_arguments(chunk_size: int | None) -> None:
    def add(item: int, more: list[int]) -> int:
        return item + len(more)

    assert run_parallel(add, iter(range(100)), 4, False, chunk_size, more=[1, 2]) == list(range(2, 102))
    assert run_parallel(add, [], more=[]) == []


def test_an_error_ends_it_and_leaves_no_thread() -> None:
    begun = list[int]()

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise KeyError(item)
        return item

    with pytest.raises(KeyError):
        run_parallel(work, itertools.count(), 2, progress=False)
    assert len(begun) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fsspeckit-parallel")]


def test_ctrl_c_ends_it() -> None:
    def items() -> Any:
        yield from range(10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_parallel(str, items(), 2, progress=False)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fsspeckit-parallel")]


def test_errors_in_their_places() -> None:
    first, second, third = run_parallel(lambda item: 6 // item, [3, 0, 2], progress=False, on_error="collect")
    assert (first, third) == (2, 3)
    assert isinstance(second, ZeroDivisionError)


def test_items_are_taken_as_results_are() -> None:
    taken = itertools.count()
    results = iter_parallel(str, taken, max_workers=2)
    assert [next(results) for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert next(taken) <= 10
    results.close()  # type: ignore[attr-defined]  # it is a generator


@pytest.mark.parametrize("wrong", [{"max_workers": 0}, {"chunk_size": 0}, {"on_error": "ignore"}])
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        run_parallel(str, [1], progress=False, **wrong)
    with pytest.raises(InvalidValue):
        run_parallel(str, "text", progress=False)
