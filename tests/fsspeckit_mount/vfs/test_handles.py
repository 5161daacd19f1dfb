"""Open files: which way the kernel reads them, and that Linux's rules for mixing ways hold at every moment."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fsspeckit_mount.vfs.handles import FileHandle, HandleTable, IoMode
from fsspeckit_mount.vfs.inodes import InodeTable
from tests.fsspeckit_mount.fakes import OWNERSHIP, DictStorage, FakeBackingFiles, FakeCache, HandClock


class LinuxIoModes:
    """fs/fuse/iomode.c as an oracle: per inode, passthrough and the rest exclude each other, one backing file each."""

    def __init__(self) -> None:
        self.open: dict[int, list[tuple[IoMode, int]]] = {}

    def may_open(self, nodeid: int, mode: IoMode, backing_id: int) -> bool:
        others = self.open.get(nodeid, [])
        if mode is IoMode.PASSTHROUGH:
            return all(other == (mode, backing_id) for other in others)
        return all(other is not IoMode.PASSTHROUGH for other, _ in others)


class HandleMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.storage = DictStorage({"a": b"x" * 100, "b": b"y" * 100, "empty": b""})
        self.cache = FakeCache(self.storage)
        self.backing = FakeBackingFiles()
        self.clock = HandClock()
        self.table = HandleTable(self.backing, self.clock)
        self.inodes = InodeTable(OWNERSHIP)
        self.linux = LinuxIoModes()
        self.handles: list[FileHandle] = []

    @rule(key=st.sampled_from(["a", "b", "empty"]))
    def open(self, key: str) -> None:
        info = self.storage.info(key)
        inode = self.inodes.look_up(info, 0.0)
        opened = self.table.join(inode) or self.table.share(inode, info, self.cache.open(info))
        handle = self.table.open_file(opened)
        assert self.linux.may_open(inode.nodeid, opened.mode, opened.backing_id), "open(2) would fail with EIO"
        self.linux.open.setdefault(inode.nodeid, []).append((opened.mode, opened.backing_id))
        self.handles.append(handle)

    @rule(key=st.sampled_from(["a", "b"]))
    def complete(self, key: str) -> None:
        self.cache.complete.add(self.storage.info(key))
        inode = self.inodes.present(key)
        if inode is not None and inode.opened is not None:
            inode.opened.local.fetch_all()

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        handle = self.handles.pop(data.draw(st.integers(0, len(self.handles) - 1)))
        opened = handle.opened
        modes = self.linux.open[opened.inode.nodeid]
        modes.remove((opened.mode, opened.backing_id))
        self.table.release_file(handle.fh)

    @rule(seconds=st.sampled_from([0.5, 1.5, 6.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def trim(self) -> None:
        self.table.trim()

    @rule(key=st.sampled_from(["a", "b"]))
    def forget(self, key: str) -> None:
        inode = self.inodes.present(key)
        if inode is not None and not self.linux.open.get(inode.nodeid):
            self.inodes.forget(inode.nodeid, inode.lookups)
            self.table.forget(inode)

    @rule()
    def only_what_is_open_is_held_after_a_while(self) -> None:
        self.clock.advance(10)
        self.table.trim()
        backing = {backing_id for modes in self.linux.open.values() for _, backing_id in modes if backing_id}
        assert self.backing.registered == backing
        held = [file for file in self.cache.opened if not file.is_closed]
        assert len(held) == sum(bool(modes) for modes in self.linux.open.values())

    @invariant()
    def what_is_open_is_held(self) -> None:
        backing = {backing_id for modes in self.linux.open.values() for _, backing_id in modes if backing_id}
        assert self.backing.registered >= backing
        assert all(not handle.opened.local.is_closed for handle in self.handles)  # type: ignore[attr-defined]
        assert len(self.table) == len(self.handles)


TestHandleMachine = HandleMachine.TestCase
TestHandleMachine.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


def test_two_opens_at_once_share_one_local_file() -> None:
    storage = DictStorage({"a": b"x" * 10})
    cache, table, inodes = FakeCache(storage), HandleTable(None, HandClock()), InodeTable(OWNERSHIP)
    inode = inodes.look_up(storage.info("a"), 0.0)
    first = table.share(inode, storage.info("a"), cache.open(storage.info("a")))
    second = table.share(inode, storage.info("a"), cache.open(storage.info("a")))
    assert first is second
    assert [file.is_closed for file in cache.opened] == [False, True]
    table.leave(first)
    assert not cache.opened[0].is_closed
    table.leave(second)
    assert cache.opened[0].is_closed  # it was not complete


def test_a_complete_file_is_kept_open_for_a_moment_but_never_for_long() -> None:
    storage, clock = DictStorage({"a": b"x" * 10}), HandClock()
    cache, backing = FakeCache(storage), FakeBackingFiles()
    cache.complete.add(storage.info("a"))
    table, inodes = HandleTable(backing, clock), InodeTable(OWNERSHIP)
    inode = inodes.look_up(storage.info("a"), 0.0)
    for _ in range(5):
        opened = table.join(inode) or table.share(inode, storage.info("a"), cache.open(storage.info("a")))
        table.release_file(table.open_file(opened).fh)
        clock.advance(1.1)
        table.trim()
    assert len(cache.opened) == 1
    clock.advance(0.5)
    assert table.join(inode) is None  # six seconds: the cache is asked anew
    assert cache.opened[0].is_closed
    assert not backing.registered


def test_a_read_outlives_the_handle_it_began_on() -> None:
    storage = DictStorage({"a": b"x" * 10})
    cache, table, inodes = FakeCache(storage), HandleTable(None, HandClock()), InodeTable(OWNERSHIP)
    inode = inodes.look_up(storage.info("a"), 0.0)
    handle = table.open_file(table.share(inode, storage.info("a"), cache.open(storage.info("a"))))
    reading = table.use(handle.fh)
    table.release_file(handle.fh)
    assert not cache.opened[0].is_closed
    table.leave(reading)
    assert cache.opened[0].is_closed  # it was not complete


def test_close_releases_everything() -> None:
    storage = DictStorage({"a": b"x" * 10})
    cache, backing = FakeCache(storage), FakeBackingFiles()
    cache.complete.add(storage.info("a"))
    table, inodes = HandleTable(backing, HandClock()), InodeTable(OWNERSHIP)
    inode = inodes.look_up(storage.info("a"), 0.0)
    for _ in range(3):
        opened = table.join(inode) or table.share(inode, storage.info("a"), cache.open(storage.info("a")))
        table.open_file(opened)
    assert len(backing.registered) == 1
    table.close()
    table.release_file(1)  # a late RELEASE
    assert not backing.registered
    assert cache.opened[0].is_closed
