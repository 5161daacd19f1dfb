"""The inode table against a model: what the kernel may still name, and under which number."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_lib.errors import CacheStale
from fsspeckit_mount.vfs.inodes import ROOT_NODEID, InodeTable
from tests.fsspeckit_mount.fakes import OWNERSHIP

_KEYS = st.sampled_from(["a", "b", "a/c"])
_ENTRIES = st.one_of(
    st.builds(lambda key, version: ObjectInfo(key, 5, 1, version), _KEYS, st.sampled_from(["v1", "v2"])),
    st.builds(DirectoryInfo, _KEYS),
)


class InodeMachine(RuleBasedStateMachine):
    """The oracle: references by nodeid, and which nodeid stands for the present content of a key."""

    nodeids = Bundle("nodeids")

    def __init__(self) -> None:
        super().__init__()
        self.table = InodeTable(OWNERSHIP)
        self.references: dict[int, int] = {}
        self.content: dict[int, str] = {}
        self.present: dict[str, int] = {}
        self.ever: set[int] = {ROOT_NODEID}

    @rule(target=nodeids, entry=_ENTRIES)
    def look_up(self, entry: Entry) -> int:
        inode = self.table.look_up(entry, 0.0)
        content = f"{entry.key} {entry.version if isinstance(entry, ObjectInfo) else 'directory'}"
        known = self.present.get(entry.key)
        if known is not None and self.content[known] == content:
            assert inode.nodeid == known
        else:
            assert inode.nodeid not in self.ever, "a nodeid was used twice"
            self.ever.add(inode.nodeid)
            self.present[entry.key] = inode.nodeid
            self.references[inode.nodeid] = 0
            self.content[inode.nodeid] = content
        self.references[inode.nodeid] += 1
        return inode.nodeid

    @rule(nodeid=consumes(nodeids))
    def forget_one(self, nodeid: int) -> None:
        freed = self.table.forget(nodeid, 1)
        self.references[nodeid] -= 1
        assert (freed is not None) == (self.references[nodeid] == 0)
        if freed is not None:
            del self.references[nodeid]
            self.present = {key: other for key, other in self.present.items() if other != nodeid}

    @rule(key=_KEYS)
    def vanish(self, key: str) -> None:
        self.table.vanish(key)
        self.present.pop(key, None)

    @invariant()
    def the_table_has_what_the_kernel_holds(self) -> None:
        assert len(self.table) == 1 + len(self.references)
        for nodeid in self.references:
            assert self.table.get(nodeid).nodeid == nodeid
        for key in ("a", "b", "a/c"):
            present = self.table.present(key)
            assert (present.nodeid if present else None) == self.present.get(key)


TestInodeMachine = InodeMachine.TestCase
TestInodeMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_root_is_never_forgotten() -> None:
    table = InodeTable(OWNERSHIP)
    assert table.forget(ROOT_NODEID, 1_000_000) is None
    assert table.get(ROOT_NODEID) is table.root is table.present("")
    table.vanish("")
    assert table.present("") is table.root


def test_a_forgotten_nodeid_is_stale() -> None:
    table = InodeTable(OWNERSHIP)
    inode = table.look_up(DirectoryInfo("a"), 0.0)
    table.forget(inode.nodeid, 1)
    with pytest.raises(CacheStale):
        table.get(inode.nodeid)
    assert table.forget(inode.nodeid, 1) is None


def test_a_directory_keeps_its_inode_when_its_time_changes() -> None:
    table = InodeTable(OWNERSHIP)
    inode = table.look_up(DirectoryInfo("a", 5), 0.0)
    assert table.look_up(DirectoryInfo("a", 9), 1.0) is inode
    assert table.attributes(inode).mtime_ns == 9
