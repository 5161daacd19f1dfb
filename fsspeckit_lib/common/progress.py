"""A progress bar on stderr that threads may move; silent where stderr is not a terminal."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(length: int | None, label: str, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs, and yield the function that advances it by a number of steps.

    Args:
        length: steps to the end; None where nobody knows.
        shown: False hides it, as a stderr that is not a terminal does.
    """
    lock = threading.Lock()
    steps = None if length is None else max(1, length)
    hidden = not shown or not sys.stderr.isatty()
    endless = itertools.repeat(None) if steps is None else None
    shown_bar: Any = click.progressbar(endless, length=steps, label=label, file=sys.stderr, hidden=hidden)
    with shown_bar as bar:

        def advance(count: int) -> None:
            with lock:
                bar.update(count)

        yield advance
