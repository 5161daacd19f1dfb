"""Fetching ahead: one budget for all open files, turns for each, and no reader waits for what is only queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from fsspeckit_mount.vfs.handles import HandleTable, OpenFile
from fsspeckit_mount.vfs.inodes import InodeTable
from fsspeckit_mount.vfs.readahead import Readahead
from tests.fsspeckit_mount.fakes import OWNERSHIP, DictStorage, HandClock

_MIB = 1 << 20


class SlowFile:
    """A local file whose fetches wait for a gate, and are counted while they do."""

    is_complete = False

    def __init__(self, counter: Counter, *, stalls: bool) -> None:
        self._counter = counter
        self._stalls = stalls
        self.fetched: list[tuple[int, int]] = []

    def fileno(self) -> int:
        return -1

    def is_present(self, start: int, stop: int) -> bool:
        return (start, stop) in self.fetched

    def fetch(self, start: int, stop: int) -> None:
        self._counter.enter(stop - start)
        if self._stalls:
            assert self._counter.gate.wait(30)
        self._counter.leave(stop - start)
        self.fetched.append((start, stop))

    def read(self, start: int, stop: int) -> bytes:
        raise AssertionError((start, stop))

    def fetch_all(self) -> None:
        raise AssertionError

    def close(self) -> None: ...


class Counter:
    """Bytes in flight over all files, now and at most."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self._lock = threading.Lock()
        self.now = 0
        self.most = 0

    def enter(self, size: int) -> None:
        with self._lock:
            self.now += size
            self.most = max(self.most, self.now)

    def leave(self, size: int) -> None:
        with self._lock:
            self.now -= size


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Scene:
    """Some open files, and a queue with a small budget."""

    def __init__(self, stalls: list[bool], budget_bytes: int) -> None:
        self.counter = Counter()
        self.storage = DictStorage({f"f{number}": b"x" for number in range(len(stalls))})
        self.table = HandleTable(None, HandClock())
        self.readahead = Readahead(self.table, budget_bytes)
        self.files = [SlowFile(self.counter, stalls=stalled) for stalled in stalls]
        inodes = InodeTable(OWNERSHIP)
        self.opened: list[OpenFile] = []
        self.handles: list[int] = []
        for number, file in enumerate(self.files):
            info = self.storage.info(f"f{number}")
            opened = self.table.share(inodes.look_up(info, 0.0), info, file)
            self.handles.append(self.table.open_file(opened).fh)
            self.opened.append(opened)


def test_all_files_together_stay_within_the_budget() -> None:
    scene = Scene([True] * 16, 8 * _MIB)
    for opened in scene.opened:
        scene.readahead.ask(opened, 0, 10 * _MIB)
    _eventually(lambda: scene.counter.now == 8 * _MIB)
    assert scene.readahead.in_flight_bytes == 8 * _MIB
    scene.counter.gate.set()
    _eventually(lambda: all(sum(stop - start for start, stop in file.fetched) == 10 * _MIB for file in scene.files))
    assert scene.counter.most <= 8 * _MIB
    _eventually(lambda: scene.readahead.in_flight_bytes == 0)


def test_parts_of_a_file_that_stalls_leave_room_for_others() -> None:
    scene = Scene([True, False], 32 * _MIB)
    scene.readahead.ask(scene.opened[0], 0, 3 * _MIB)
    _eventually(lambda: scene.counter.now == 3 * _MIB)
    scene.readahead.ask(scene.opened[1], 0, 100 * _MIB)
    _eventually(lambda: sum(stop - start for start, stop in scene.files[1].fetched) == 100 * _MIB)
    assert scene.files[0].fetched == []
    scene.counter.gate.set()


def test_nothing_more_is_fetched_for_a_closed_file() -> None:
    scene = Scene([True, True], 4 * _MIB)
    scene.readahead.ask(scene.opened[0], 0, 64 * _MIB)
    scene.readahead.ask(scene.opened[1], 0, 2 * _MIB)
    _eventually(lambda: scene.counter.now == 4 * _MIB)
    assert scene.table.release_file(scene.handles[0]) is scene.opened[0]
    scene.readahead.drop(scene.opened[0])
    scene.counter.gate.set()
    _eventually(lambda: sum(stop - start for start, stop in scene.files[1].fetched) == 2 * _MIB)
    _eventually(lambda: scene.readahead.in_flight_bytes == 0)
    assert sum(stop - start for start, stop in scene.files[0].fetched) <= 4 * _MIB


def test_a_budget_of_nothing_fetches_nothing() -> None:
    scene = Scene([False], 0)
    scene.readahead.ask(scene.opened[0], 0, _MIB)
    assert scene.readahead.in_flight_bytes == 0
    assert scene.files[0].fetched == []
