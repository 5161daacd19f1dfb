"""The calls of a kernel, on fakes: versions never mix, nothing waits that must not, small files arrive whole."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from fsspeckit_lib.errors import CacheStale, IsADirectory, NotADirectory, ReadOnly, Unavailable
from fsspeckit_mount.vfs.handles import IoMode
from fsspeckit_mount.vfs.inodes import ROOT_NODEID
from fsspeckit_mount.vfs.names import Absence
from fsspeckit_mount.vfs.operations import FileSpan, Missing, Node, VirtualFileSystem
from fsspeckit_mount.vfs.ports import WouldBlock
from tests.fsspeckit_mount.fakes import DictStorage, FakeBackingFiles, FakeCache, HandClock, vfs_on

_LARGE = bytes(range(256)) * 1024


def node_at(vfs: VirtualFileSystem, path: str) -> Node:
    nodeid = ROOT_NODEID
    *folders, last = path.split("/")
    for name in folders:
        folder = vfs.lookup(nodeid, name.encode(), may_block=True)
        assert isinstance(folder, Node), f"{path}: {name} is absent"
        nodeid = folder.nodeid
    found = vfs.lookup(nodeid, last.encode(), may_block=True)
    assert isinstance(found, Node), f"{path}: absent"
    return found


def bytes_at(vfs: VirtualFileSystem, fh: int, start: int, size: int) -> bytes:
    found: FileSpan | Missing | bytes = vfs.read_now(fh, start, size)
    if isinstance(found, Missing):
        found = vfs.read_waiting(fh, start, size, found)
    return found if isinstance(found, bytes) else os.pread(found.fileno, found.stop - found.start, found.start)


def test_lookup_in_a_file_and_of_a_missing_name() -> None:
    vfs = vfs_on(DictStorage({"a": b"x"}))
    with pytest.raises(NotADirectory):
        vfs.lookup(node_at(vfs, "a").nodeid, b"b", may_block=True)
    assert isinstance(vfs.lookup(ROOT_NODEID, b"missing", may_block=True), Absence)


def test_a_files_attributes_hold_for_long_and_its_name_for_the_ttl() -> None:
    vfs = vfs_on(DictStorage({"a": b"abc"}))
    node = node_at(vfs, "a")
    assert node.attributes.size_bytes == 3
    assert (node.name_valid_s, node.attributes_valid_s) == (1.0, 86400.0)
    assert vfs.attributes(node.nodeid) == (node.attributes, 86400.0)
    assert vfs.attributes(ROOT_NODEID)[1] == 1.0


def test_names_that_are_not_unicode_survive() -> None:
    vfs = vfs_on(DictStorage({"caf\udce9": b"x"}))
    assert isinstance(vfs.lookup(ROOT_NODEID, b"caf\xe9", may_block=True), Node)
    fh = vfs.open_directory(ROOT_NODEID).fh
    assert [item.name for item in vfs.read_directory(fh, 2, may_block=True)] == [b"caf\xe9"]


def test_a_small_file_is_whole_once_it_is_open() -> None:
    storage, backing = DictStorage({"a": b"x" * 64}), FakeBackingFiles()
    vfs = vfs_on(storage, backing_files=backing)
    nodeid = node_at(vfs, "a").nodeid
    with pytest.raises(WouldBlock):
        vfs.open_file(nodeid, os.O_RDONLY, may_block=False)
    opened = vfs.open_file(nodeid, os.O_RDONLY, may_block=True)
    assert opened.mode is IoMode.PASSTHROUGH
    assert backing.registered == {opened.backing_id}
    again = vfs.open_file(nodeid, os.O_RDONLY, may_block=False)
    assert again.backing_id == opened.backing_id
    for fh in (opened.fh, again.fh):
        vfs.release_file(fh)
    vfs.forget(nodeid, 1)
    assert backing.registered == set()


def test_a_large_file_is_open_at_once_and_read_in_parts() -> None:
    storage = DictStorage({"a": _LARGE})
    cache = FakeCache(storage)
    vfs = vfs_on(storage, cache, backing_files=FakeBackingFiles())
    opened = vfs.open_file(node_at(vfs, "a").nodeid, os.O_RDONLY, may_block=True)
    assert opened.mode is IoMode.DIRECT
    assert vfs.read_now(opened.fh, 150_000, 4096) == Missing(131_072, 262_144)
    assert bytes_at(vfs, opened.fh, 150_000, 4096) == _LARGE[150_000:154_096]
    assert cache.opened[0].fetched == [(131_072, 262_144)]  # the block around it
    assert bytes_at(vfs, opened.fh, 262_140, 4096) == _LARGE[262_140:]
    assert bytes_at(vfs, opened.fh, 262_144, 4096) == b""
    assert bytes_at(vfs, opened.fh, 1 << 40, 4096) == b""


def test_sequential_reading_fetches_ahead() -> None:
    storage = DictStorage({"a": _LARGE})
    cache = FakeCache(storage)
    vfs = vfs_on(storage, cache, prefetch_bytes=1 << 20)
    opened = vfs.open_file(node_at(vfs, "a").nodeid, os.O_RDONLY, may_block=True)
    first = vfs.read_now(opened.fh, 0, 4096)
    assert first == Missing(0, 131_072, (131_072, len(_LARGE)))  # the read itself waits in no queue
    vfs.read_waiting(opened.fh, 0, 4096, first)
    deadline = time.monotonic() + 20
    while cache.opened[0].fetched != [(0, 131_072), (131_072, len(_LARGE))]:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_file_that_became_complete_is_passthrough_at_its_next_open_only() -> None:
    storage = DictStorage({"a": _LARGE})
    cache = FakeCache(storage)
    vfs = vfs_on(storage, cache, backing_files=FakeBackingFiles())
    nodeid = node_at(vfs, "a").nodeid
    first = vfs.open_file(nodeid, os.O_RDONLY, may_block=True)
    cache.opened[0].fetch_all()
    second = vfs.open_file(nodeid, os.O_RDONLY, may_block=True)
    assert second.mode is IoMode.DIRECT  # while the first is open another way would be EIO
    assert bytes_at(vfs, first.fh, 5, 9) == bytes_at(vfs, second.fh, 5, 9) == _LARGE[5:14]
    vfs.release_file(first.fh)
    vfs.release_file(second.fh)
    cache.complete.add(storage.info("a"))
    assert vfs.open_file(nodeid, os.O_RDONLY, may_block=False).mode is IoMode.PASSTHROUGH


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_RDONLY | os.O_APPEND])
def test_opening_to_write_is_refused(flags: int) -> None:
    vfs = vfs_on(DictStorage({"a": b"x"}))
    with pytest.raises(ReadOnly):
        vfs.open_file(node_at(vfs, "a").nodeid, flags, may_block=True)


def test_opening_a_directory_as_a_file_and_a_file_as_a_directory() -> None:
    vfs = vfs_on(DictStorage({"a": b"x"}))
    with pytest.raises(IsADirectory):
        vfs.open_file(ROOT_NODEID, os.O_RDONLY, may_block=True)
    with pytest.raises(NotADirectory):
        vfs.open_directory(node_at(vfs, "a").nodeid)


def test_a_changed_file_is_a_new_inode_and_the_old_handle_keeps_the_old_version() -> None:
    storage, clock = DictStorage({"a": b"old"}), HandClock()
    vfs = vfs_on(storage, clock=clock)
    old = node_at(vfs, "a")
    fh = vfs.open_file(old.nodeid, os.O_RDONLY, may_block=True).fh
    storage.put("a", b"newer")
    assert node_at(vfs, "a").nodeid == old.nodeid  # believed until the TTL
    clock.advance(1.1)
    new = node_at(vfs, "a")
    assert new.nodeid != old.nodeid
    assert new.attributes.ino != old.attributes.ino
    assert new.attributes.size_bytes == 5
    assert vfs.attributes(old.nodeid)[0].size_bytes == 3
    assert bytes_at(vfs, fh, 0, 100) == b"old"
    assert bytes_at(vfs, vfs.open_file(new.nodeid, os.O_RDONLY, may_block=True).fh, 0, 100) == b"newer"


def test_an_open_that_finds_another_version_is_stale_and_the_name_is_asked_again() -> None:
    storage = DictStorage({"a": b"old"})
    vfs = vfs_on(storage)
    old = node_at(vfs, "a")
    storage.put("a", b"newer")
    with pytest.raises(CacheStale):
        vfs.open_file(old.nodeid, os.O_RDONLY, may_block=True)
    new = node_at(vfs, "a")  # within the TTL: the kernel retries after ESTALE
    assert new.nodeid != old.nodeid
    assert bytes_at(vfs, vfs.open_file(new.nodeid, os.O_RDONLY, may_block=True).fh, 0, 9) == b"newer"


@pytest.mark.parametrize("gone", [False, True], ids=["changed", "deleted"])
def test_the_missing_part_of_an_old_version_is_stale(gone: bool) -> None:
    storage = DictStorage({"a": _LARGE})
    vfs = vfs_on(storage)
    fh = vfs.open_file(node_at(vfs, "a").nodeid, os.O_RDONLY, may_block=True).fh
    here = bytes_at(vfs, fh, 0, 1000)
    if gone:
        del storage.files["a"]
    else:
        storage.put("a", b"new" * 1000)
    assert bytes_at(vfs, fh, 0, 1000) == here
    with pytest.raises(CacheStale):
        bytes_at(vfs, fh, 200_000, 1000)


def test_a_failed_open_leaves_nothing_open() -> None:
    storage = DictStorage({"a": b"x"})
    cache = FakeCache(storage)
    vfs = vfs_on(storage, cache)
    nodeid = node_at(vfs, "a").nodeid
    storage.failure = Unavailable("down")
    with pytest.raises(Unavailable):
        vfs.open_file(nodeid, os.O_RDONLY, may_block=True)
    assert all(file.is_closed for file in cache.opened)
    assert len(vfs.handles) == 0
    storage.failure = None
    assert bytes_at(vfs, vfs.open_file(nodeid, os.O_RDONLY, may_block=True).fh, 0, 9) == b"x"


def test_an_empty_file_needs_no_backing_file() -> None:
    vfs = vfs_on(DictStorage({"a": b""}), backing_files=FakeBackingFiles())
    opened = vfs.open_file(node_at(vfs, "a").nodeid, os.O_RDONLY, may_block=True)
    assert (opened.mode, opened.backing_id) == (IoMode.CACHED, 0)
    assert bytes_at(vfs, opened.fh, 0, 10) == b""


def test_a_directory_is_read_from_any_offset_and_does_not_change_while_it_is_open() -> None:
    storage, clock = DictStorage({f"f{number}": b"" for number in range(5)}, page_entries=2), HandClock()
    vfs = vfs_on(storage, clock=clock)
    fh = vfs.open_directory(ROOT_NODEID).fh
    with pytest.raises(WouldBlock):
        vfs.read_directory(fh, 0, may_block=False)
    first = list(vfs.read_directory(fh, 0, may_block=True))
    assert [item.name for item in first] == [b".", b"..", b"f0", b"f1"]
    storage.put("f9", b"")
    clock.advance(1000)
    names, offset = [], 2
    while items := list(vfs.read_directory(fh, offset, may_block=True)):
        names.append(items[0].name)
        offset = items[0].next_offset
    assert names == [b"f0", b"f1", b"f2", b"f3", b"f4"]
    vfs.release_directory(fh)
    with pytest.raises(CacheStale):
        vfs.read_directory(fh, 0, may_block=True)


def test_readdir_and_stat_show_the_same_numbers() -> None:
    vfs = vfs_on(DictStorage({"a": b"x", "d/b": b"y"}))
    items = {item.name: item for item in vfs.read_directory(vfs.open_directory(ROOT_NODEID).fh, 0, may_block=True)}
    assert items[b"a"].ino == node_at(vfs, "a").attributes.ino
    assert items[b"d"].ino == node_at(vfs, "d").attributes.ino
    assert items[b"."].ino == vfs.attributes(ROOT_NODEID)[0].ino == 1


def test_a_prefix_is_as_old_as_the_newest_thing_in_it() -> None:
    vfs = vfs_on(DictStorage({"d/a": b"x", "d/e/b": b"y"}))
    folder = node_at(vfs, "d")
    assert folder.attributes.mtime_ns == 5_000_000_000  # of the mount: nothing is known of it yet
    fh = vfs.open_directory(folder.nodeid).fh
    offset = 0
    while items := list(vfs.read_directory(fh, offset, may_block=True)):
        offset = items[-1].next_offset
    assert vfs.attributes(folder.nodeid)[0].mtime_ns == 1_000_000_000
    assert node_at(vfs, "d").attributes.mtime_ns == 1_000_000_000  # its parent's listing does not know better


def test_forgetting_everything_leaves_the_root() -> None:
    vfs = vfs_on(DictStorage({"d/a": b"x", "d/b": b"y"}))
    nodes = [node_at(vfs, path) for path in ("d", "d/a", "d/b")]
    assert len(vfs.inodes) == 4
    vfs.forget(nodes[0].nodeid, 3)
    vfs.forget(nodes[1].nodeid, 1)
    vfs.forget(nodes[2].nodeid, 1)
    assert len(vfs.inodes) == 1


class VersionsMachine(RuleBasedStateMachine):
    """Files change and vanish while they are looked up, opened and read: every read is of one version, whole.

    The oracle is the history of each name: handle → the bytes its version had.
    """

    def __init__(self) -> None:
        super().__init__()
        self.storage = DictStorage({"a": self._content(0), "b": self._content(1)})
        self.clock = HandClock()
        self.vfs = vfs_on(self.storage, clock=self.clock, backing_files=FakeBackingFiles())
        self.open: list[tuple[int, bytes]] = []
        self.count = 1
        self.by_etag = {("a", "v0"): self._content(0), ("b", "v0"): self._content(1)}

    @staticmethod
    def _content(number: int) -> bytes:
        return (b"%08d" % number) * (5 if number % 2 else 40)  # small and large files by turns

    @rule(name=st.sampled_from(["a", "b"]))
    def change(self, name: str) -> None:
        self.count += 1
        self.storage.put(name, self._content(self.count))
        self.by_etag[name, f"v{self.storage.versions[name]}"] = self._content(self.count)

    @rule(name=st.sampled_from(["a", "b"]))
    def delete(self, name: str) -> None:
        self.storage.files.pop(name, None)

    @rule(seconds=st.sampled_from([0.3, 1.1, 31.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(name=st.sampled_from(["a", "b"]))
    def open_file(self, name: str) -> None:
        found = self.vfs.lookup(ROOT_NODEID, name.encode(), may_block=True)
        if isinstance(found, Absence):
            return
        entry = self.vfs.inodes.get(found.nodeid).entry
        content = self.by_etag[name, str(getattr(entry, "etag", None))]
        assert found.attributes.size_bytes == len(content)
        try:
            self.open.append((self.vfs.open_file(found.nodeid, os.O_RDONLY, may_block=True).fh, content))
        except CacheStale:
            retried = self.vfs.lookup(ROOT_NODEID, name.encode(), may_block=True)
            if isinstance(retried, Node):
                self.vfs.open_file(retried.nodeid, os.O_RDONLY, may_block=True)  # nothing changed in between

    @precondition(lambda self: self.open)
    @rule(data=st.data(), start=st.integers(0, 350), size=st.integers(1, 350))
    def read(self, data: st.DataObject, start: int, size: int) -> None:
        fh, content = data.draw(st.sampled_from(self.open))
        try:
            assert bytes_at(self.vfs, fh, start, size) == content[start : start + size]
        except CacheStale:
            return

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        fh, _ = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        self.vfs.release_file(fh)


TestVersionsMachine = VersionsMachine.TestCase
TestVersionsMachine.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
