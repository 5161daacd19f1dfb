"""One function over many items in threads: `run_parallel`, and `iter_parallel` for results taken one at a time.

At most two tasks a thread are begun or finished but not yet taken, so an endless iterator of items is read only as fast
as results are used. `run_parallel` returns a list, whose results stay in memory; where they are large, use
`iter_parallel`, which holds no more than that window.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, Literal, TypeVar

from fsspeckit_lib.common.progress import progress_bar
from fsspeckit_lib.errors import InvalidValue

__all__ = ["iter_parallel", "run_parallel"]

T = TypeVar("T")
R = TypeVar("R")

_TASKS_PER_THREAD = 2


def run_parallel(
    func: Callable[..., R],
    data: Iterable[Any],
    max_workers: int | None = None,
    progress: bool = True,
    chunk_size: int | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    **kwargs: Any,
) -> list[R | Exception]:
    """Return `func(item, **kwargs)` for every item of `data`, in their order, computed in threads.

    Args:
        func: called from several threads at once.
        data: any iterable; the only argument that is iterated. A text is refused: its letters are never meant.
        max_workers: threads; by default four more than there are CPUs, at most 32.
        progress: show a bar if stderr is a terminal.
        chunk_size: items of one task, for functions so short that handing them over costs more; 1 by default.
        on_error: `raise` the first error there is and cancel the rest; `collect` puts errors in the results' places.
        kwargs: passed to each call as they are; a list among them is one argument.

    Raises:
        InvalidValue: a setting that cannot be.

    After an error or Ctrl-C nothing more is begun; calls that run are waited for, so no thread is left.
    """
    length = len(data) if isinstance(data, Sized) else None
    with progress_bar(length, "running", shown=progress) as advance:
        results: list[R | Exception] = []
        found = iter_parallel(func, data, max_workers=max_workers, chunk_size=chunk_size, on_error=on_error, **kwargs)
        for result in found:
            results.append(result)
            advance(1)
        return results


def iter_parallel(
    func: Callable[..., R],
    data: Iterable[Any],
    *,
    max_workers: int | None = None,
    chunk_size: int | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    **kwargs: Any,
) -> Iterator[R | Exception]:
    """Return an iterator over what `run_parallel` returns. Closing it early cancels the rest."""
    workers = min(32, (os.cpu_count() or 1) + 4) if max_workers is None else max_workers
    size = 1 if chunk_size is None else chunk_size
    if workers < 1 or size < 1:
        raise InvalidValue(f"run_parallel: found max_workers={workers}, chunk_size={size}; wanted at least 1")
    if on_error not in {"raise", "collect"}:
        raise InvalidValue(f"run_parallel: found on_error={on_error!r}, wanted 'raise' or 'collect'")
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise InvalidValue(f"run_parallel: found {type(data).__name__} as data, wanted a list or another iterable")
    stopped = Event()

    def task(items: list[Any]) -> list[R | Exception]:
        results: list[R | Exception] = []
        for item in items:
            if stopped.is_set():
                break
            try:
                results.append(func(item, **kwargs))
            except Exception as error:
                if on_error == "raise":
                    raise
                results.append(error)
        return results

    return _ordered(task, _chunks(data, size), workers, stopped)


def _ordered(
    task: Callable[[list[Any]], list[T]], chunks: Iterator[list[Any]], workers: int, stopped: Event
) -> Iterator[T]:
    window: deque[Future[list[T]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fsspeckit-parallel")
    try:
        for chunk in chunks:
            window.append(pool.submit(task, chunk))
            if len(window) >= workers * _TASKS_PER_THREAD:
                yield from _first(window)
        while window:
            yield from _first(window)
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _first(window: deque[Future[list[T]]]) -> list[T]:
    """Wait for the first task of the window; an error of any other one comes out at once."""
    while not window[0].done():
        done, _ = wait([future for future in window if not future.done()], return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
    return window.popleft().result()


def _chunks(data: Iterable[Any], size: int) -> Iterator[list[Any]]:
    items = iter(data)
    while chunk := list(itertools.islice(items, size)):
        yield chunk
