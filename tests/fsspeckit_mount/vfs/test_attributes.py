"""What stat(2) shows."""

from __future__ import annotations

import stat

from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_mount.vfs.attributes import attributes_of, inode_number
from tests.fsspeckit_mount.fakes import OWNERSHIP


def test_a_file() -> None:
    shown = attributes_of(ObjectInfo("a/b", 5, 1_500_000_000_123_456_789, "e"), OWNERSHIP)
    assert (shown.size_bytes, shown.mtime_ns, shown.links) == (5, 1_500_000_000_123_456_789, 1)
    assert shown.mode == stat.S_IFREG | 0o444
    assert (shown.uid, shown.gid) == (1000, 1000)
    assert not shown.is_directory


def test_a_directory_without_a_time_shows_the_time_of_the_mount() -> None:
    shown = attributes_of(DirectoryInfo("a"), OWNERSHIP)
    assert shown.mode == stat.S_IFDIR | 0o555
    assert shown.mtime_ns == OWNERSHIP.mounted_ns
    assert attributes_of(DirectoryInfo("a", 77), OWNERSHIP).mtime_ns == 77


def test_numbers_are_the_same_in_every_process_and_differ_by_key_and_version() -> None:
    first = ObjectInfo("a/b", 5, 1, "e")
    assert inode_number(first) == inode_number(ObjectInfo("a/b", 5, 999, "e")) == 1703305476590819491
    others: list[Entry] = [ObjectInfo("a/b", 5, 1, "f"), ObjectInfo("a/b", 6, 1, "e"), ObjectInfo("a/c", 5, 1, "e")]
    numbers = {inode_number(entry) for entry in [first, *others, DirectoryInfo("a/b"), DirectoryInfo("")]}
    assert len(numbers) == 6
    assert all(0 < number < 1 << 63 for number in numbers)


def test_a_name_that_is_not_unicode_has_a_number() -> None:
    assert inode_number(DirectoryInfo("a\udcff")) > 1
