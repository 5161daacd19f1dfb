"""A storage that fails on command: the wrapper that fault tests put around a real one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from typing_extensions import Buffer

from fsspeckit_lib.core.objects import Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.errors import GatewayError, IsADirectory, ShortRead

__all__ = ["FaultyStore"]


class FaultyStore:
    """An `ObjectStore` around another one, with faults in `read_range` and an outage of everything.

    Attributes:
        reads: every (key, start, stop) that was asked for, in order.
        fail_reads: the errors that the next reads raise, one each, before they reach the storage.
        cut_reads: the next that many reads come back one byte short, as a connection that was cut.
        outage: when set, every request raises it.
        gate: reads wait for this event; set at the start.
    """

    def __init__(self, inner: ObjectStore) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self.reads: list[tuple[str, int, int]] = []
        self.fail_reads: list[GatewayError] = []
        self.cut_reads = 0
        self.outage: GatewayError | None = None
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        """The inner store's."""
        return self._inner.url

    @property
    def namespace(self) -> tuple[str, ...]:
        """The inner store's."""
        return self._inner.namespace

    @property
    def is_immutable(self) -> bool:
        """The inner store's."""
        return self._inner.is_immutable

    def check(self) -> None:
        """Ask the inner store, unless there is an outage."""
        self._check()
        self._inner.check()

    def stat(self, key: str) -> Entry:
        """Ask the inner store, unless there is an outage."""
        self._check()
        return self._inner.stat(key)

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Ask the inner store, unless there is an outage."""
        self._check()
        return self._inner.list_directory(key)

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Ask the inner store, unless there is an outage."""
        self._check()
        return self._inner.list_recursive(key)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Read from the inner store, or fail as told."""
        with self._lock:
            self.reads.append((info.key, start, stop))
            failure = self.fail_reads.pop(0) if self.fail_reads else None
            cut = self.cut_reads > 0
            self.cut_reads -= cut
        self.gate.wait()
        self._check()
        if failure is not None:
            raise failure
        data = self._inner.read_range(info, start, stop)
        if cut:
            raise ShortRead(f"{self.url}/{info.key}", start, stop - start, stop - start - 1)
        return data

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Read from the inner store as `read_range` would: faults strike the bytes."""
        entry = self.stat(key)
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self.url}/{key}: is a directory, an object was wanted")
        return entry, self.read_range(entry, 0, entry.size_bytes) if entry.size_bytes else b""

    def close(self) -> None:
        """Close the inner store."""
        self._inner.close()

    def _check(self) -> None:
        if self.outage is not None:
            raise self.outage
