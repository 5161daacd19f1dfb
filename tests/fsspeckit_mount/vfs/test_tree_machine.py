"""The whole virtual file system against a dict of objects: after what is believed has run out, or a refresh, every look
at it shows the dict as it is; before that, every answer was true not longer ago than it may be believed.
"""

from __future__ import annotations

import os
import stat

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fsspeckit_lib.errors import CacheStale, NotADirectory, NotFound
from fsspeckit_mount.vfs.inodes import ROOT_NODEID
from fsspeckit_mount.vfs.names import Absence
from fsspeckit_mount.vfs.operations import Missing, VirtualFileSystem
from tests.fsspeckit_mount.fakes import DictStorage, FakeBackingFiles, HandClock, vfs_on

_KEYS = ["a", "b", "d/a", "d/b", "d/e/a", "d/e/f/a", "x/y/z", "d"]
_PATHS = sorted({*_KEYS, "d/e", "d/e/f", "x", "x/y", "none", "d/none"})
_LONGEST_S = 32.0  # the TTLs are 1 and 30


def _look(files: dict[str, bytes], path: str) -> bytes | list[str] | None:
    """Return what the dict has at a path: content, names of a directory, or None. A prefix shadows an object."""
    below = [key[len(path) + 1 :] if path else key for key in files if not path or key.startswith(f"{path}/")]
    if below or not path:
        return sorted({name.partition("/")[0] for name in below})
    return files.get(path)


class TreeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.storage = DictStorage({"a": b"first", "d/a": b"second"}, page_entries=2)
        self.clock = HandClock()
        self.vfs: VirtualFileSystem = vfs_on(self.storage, clock=self.clock, backing_files=FakeBackingFiles())
        self.history: list[tuple[float, dict[str, bytes]]] = []
        self._remember()
        self.count = 0

    def _remember(self) -> None:
        self.history.append((self.clock.now_s, dict(self.storage.files)))

    @rule(key=st.sampled_from(_KEYS), size=st.sampled_from([3, 50, 200]))
    def put(self, key: str, size: int) -> None:
        self.count += 1
        self.storage.put(key, (b"%06d" % self.count * 40)[:size])
        self._remember()

    @rule(key=st.sampled_from(_KEYS))
    def delete(self, key: str) -> None:
        self.storage.files.pop(key, None)
        self._remember()

    @rule(seconds=st.sampled_from([0.1, 0.9, 1.5, 12.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(path=st.sampled_from(_PATHS))
    def look(self, path: str) -> None:
        """An answer was true at some moment that is not longer ago than the longest TTL."""
        seen = self._seen(path)
        since = self.clock.now_s - 2 * _LONGEST_S
        recent = [files for at, files in self.history if at >= since]
        recent += [files for at, files in self.history if at < since][-1:]
        truths = [_look(files, path) for files in recent]
        assert seen == "stale" or seen in truths or self._is_between(path)

    @staticmethod
    def _is_between(path: str) -> bool:
        """A path is looked up name by name, each answer from a moment of its own: then only names can be told."""
        return "/" in path

    @rule()
    def wait_for_everything_and_compare(self) -> None:
        self.clock.advance(_LONGEST_S)
        self._compare()

    @rule()
    def refresh_and_compare(self) -> None:
        self.vfs.refresh("")
        self._compare()

    @rule()
    def forget_what_is_not_used(self) -> None:
        for inode in list(self.vfs.inodes.doubt_below("")):
            if inode.nodeid != ROOT_NODEID:
                self.vfs.forget(inode.nodeid, inode.lookups)

    @invariant()
    def memory_is_bounded_by_what_is_known(self) -> None:
        assert len(self.vfs.inodes) <= 1 + 40 * len(_PATHS)

    def _compare(self) -> None:
        for path in ["", *_PATHS]:
            seen = self._seen(path)
            if seen == "stale":  # replaced between lookup and open: the kernel asks again
                seen = self._seen(path)
            assert seen == _look(self.storage.files, path), path

    def _seen(self, path: str) -> bytes | list[str] | str | None:
        nodeid = ROOT_NODEID
        held: list[int] = []
        try:
            mode = stat.S_IFDIR
            for name in path.split("/") if path else ():
                if not stat.S_ISDIR(mode):
                    return None
                found = self.vfs.lookup(nodeid, name.encode(), may_block=True)
                if isinstance(found, Absence):
                    return None
                nodeid, mode = found.nodeid, found.attributes.mode
                held.append(nodeid)
            return self._names(nodeid) if stat.S_ISDIR(mode) else self._content(nodeid)
        finally:
            for one in held[1::2]:  # some stay known, as in the kernel
                self.vfs.forget(one, 1)

    def _names(self, nodeid: int) -> list[str] | None:
        fh = self.vfs.open_directory(nodeid).fh
        names: list[str] = []
        offset = 0
        try:
            while items := list(self.vfs.read_directory(fh, offset, may_block=True)):
                names += [item.name.decode() for item in items if item.name not in {b".", b".."}]
                offset = items[-1].next_offset
        except (NotFound, NotADirectory):  # it has gone meanwhile
            return None
        finally:
            self.vfs.release_directory(fh)
        return sorted(names)

    def _content(self, nodeid: int) -> bytes | str:
        try:
            fh = self.vfs.open_file(nodeid, os.O_RDONLY, may_block=True).fh
        except CacheStale:
            return "stale"
        try:
            found = self.vfs.read_now(fh, 0, 1000)
            answer = self.vfs.read_waiting(fh, 0, 1000, found) if isinstance(found, Missing) else found
            return answer if isinstance(answer, bytes) else os.pread(answer.fileno, answer.stop, 0)
        except CacheStale:
            return "stale"
        finally:
            self.vfs.release_file(fh)


TestTreeMachine = TreeMachine.TestCase
TestTreeMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
