"""All files of one commit, in compact form: sorted paths in one buffer, and arrays beside it.

Pure. A tree of n files costs its paths' bytes plus about 46 bytes a file, whatever the depth; directories are not
stored, as Git has no empty ones. Paths are bytes in UTF-8, sorted as bytes, which is also the order in which Git lists
a tree. Positions are indexes into that order.

Sizes and LFS objects belong to blobs, and a blob's content never changes: `inherit` takes over what an earlier commit
of the repository had found out.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["UNKNOWN", "Kind", "Leaf", "LfsObject", "Tree", "TreeBuilder"]

UNKNOWN = -1
"""Size of a blob that nobody asked for yet."""

_AFTER_SLASH = b"0"  # the byte after "/"


_EXECUTABLE = 0x40  # beside the kind in one byte


class Kind:
    """What a leaf of a tree is: the file type in Git's mode."""

    FILE = 0o10
    LINK = 0o12
    MODULE = 0o16


@dataclass(frozen=True, slots=True)
class LfsObject:
    """What a pointer stands for: SHA-256 in hex, and the size of the real content."""

    oid: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """One file, symbolic link or submodule. `mode` is Git's; `size_bytes` is the blob's own, UNKNOWN until asked."""

    path: str
    mode: int
    blob_id: str
    size_bytes: int = UNKNOWN


class TreeBuilder:
    """Takes leaves in any order, page by page, and makes the tree."""

    def __init__(self) -> None:
        self._paths = bytearray()
        self._ends = array("Q")
        self._kinds = bytearray()
        self._ids = bytearray()
        self._sizes = array("q")
        self._id_bytes = 0

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, path: str, mode: int, blob_id: str, size_bytes: int = UNKNOWN) -> None:
        """Add one leaf. `mode` is Git's: 0o100644, 0o120000, 0o160000."""
        self._paths += path.encode("utf-8", "surrogateescape")
        self._ends.append(len(self._paths))
        self._kinds.append(mode >> 12 | (_EXECUTABLE if mode & 0o111 else 0))
        identity = bytes.fromhex(blob_id)
        self._id_bytes = self._id_bytes or len(identity)
        self._ids += identity
        self._sizes.append(size_bytes)

    def build(self) -> Tree:
        """Return the tree of what was added; the builder is not used afterwards."""
        count = len(self._kinds)
        ends = self._ends
        paths = [bytes(self._paths[ends[at - 1] if at else 0 : ends[at]]) for at in range(count)]
        if any(paths[at] >= paths[at + 1] for at in range(count - 1)):
            order = sorted(range(count), key=paths.__getitem__)
            # a path that came twice (a page that moved while it was read) counts once
            order = [at for here, at in enumerate(order) if here == 0 or paths[at] != paths[order[here - 1]]]
            width = self._id_bytes
            self._ids = bytearray(b"".join(self._ids[at * width : (at + 1) * width] for at in order))
            self._kinds = bytearray(self._kinds[at] for at in order)
            self._sizes = array("q", (self._sizes[at] for at in order))
            paths = [paths[at] for at in order]
            total = 0
            ends = array("Q")
            for path in paths:
                total += len(path)
                ends.append(total)
        return Tree(b"".join(paths), ends, bytes(self._kinds), bytes(self._ids), self._id_bytes or 20, self._sizes)


class Tree:
    """The leaves of one commit. Sizes and LFS objects are filled in as they become known; the rest never changes.

    Threads may fill in at once: each cell is written with the value that every other writer would write.
    """

    def __init__(
        self, paths: bytes, ends: array[int], kinds: bytes, ids: bytes, id_bytes: int, sizes: array[int]
    ) -> None:
        self._paths = paths
        self._ends = ends
        self._kinds = kinds
        self._ids = ids
        self._id_bytes = id_bytes
        self._sizes = sizes
        self._lfs: dict[int, LfsObject | None] = {}
        self._targets: dict[int, str | None] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    @property
    def memory_bytes(self) -> int:
        """What it costs, roughly: for the bound of a cache."""
        fixed = len(self._paths) + len(self._ids) + len(self._kinds) + 16 * len(self._kinds)
        return fixed + 300 * len(self._lfs) + 100 * len(self._targets)

    def find(self, key: str) -> int | None:
        """Return the position of the leaf at `key`, or None."""
        path = _encoded(key)
        at = self._lower(path)
        return at if at < len(self) and self._path(at) == path else None

    def is_directory(self, key: str) -> bool:
        """Tell whether there are leaves below `key`, or a submodule at it. The root always is a directory."""
        if not key:
            return True
        prefix = _encoded(key) + b"/"
        at = self._lower(prefix)
        if at < len(self) and self._path(at).startswith(prefix):
            return True
        found = self.find(key)
        return found is not None and self.kind(found) == Kind.MODULE

    def below(self, key: str) -> range:
        """Return the positions of every leaf below directory `key`."""
        if not key:
            return range(len(self))
        prefix = _encoded(key)
        return range(self._lower(prefix + b"/"), self._lower(prefix + _AFTER_SLASH))

    def children(self, key: str) -> Iterator[int | str]:
        """Yield what lies directly in directory `key`: positions of leaves, and the keys of directories."""
        prefix = _encoded(key) + b"/" if key else b""
        at = self._lower(prefix)
        while at < len(self):
            path = self._path(at)
            if not path.startswith(prefix):
                return
            slash = path.find(b"/", len(prefix))
            if slash < 0:
                yield at
                at += 1
            else:
                yield path[:slash].decode("utf-8", "surrogateescape")
                at = self._lower(path[:slash] + _AFTER_SLASH, at)

    def leaf(self, at: int) -> Leaf:
        """Return the leaf at a position."""
        return Leaf(self.path(at), self.mode(at), self.blob_id(at), self._sizes[at])

    def path(self, at: int) -> str:
        """Return the path of the leaf at a position."""
        return self._path(at).decode("utf-8", "surrogateescape")

    def kind(self, at: int) -> int:
        """Return the kind of the leaf at a position."""
        return self._kinds[at] & ~_EXECUTABLE

    def mode(self, at: int) -> int:
        """Return Git's mode of the leaf at a position: 0o100644, 0o100755, 0o120000 or 0o160000."""
        permissions = 0 if self.kind(at) != Kind.FILE else 0o755 if self._kinds[at] & _EXECUTABLE else 0o644
        return self.kind(at) << 12 | permissions

    def blob_id(self, at: int) -> str:
        """Return the object id of the leaf at a position, in hex."""
        return self._ids[at * self._id_bytes : (at + 1) * self._id_bytes].hex()

    def size_bytes(self, at: int) -> int:
        """Return the size of the blob itself, or UNKNOWN."""
        return self._sizes[at]

    def set_size(self, at: int, size_bytes: int) -> None:
        """Note the size of the blob at a position."""
        self._sizes[at] = size_bytes

    def lfs_is_known(self, at: int) -> bool:
        """Tell whether somebody found out if the leaf is an LFS pointer."""
        return at in self._lfs

    def lfs(self, at: int) -> LfsObject | None:
        """Return what the pointer at a position stands for; None where it is no pointer."""
        return self._lfs.get(at)

    def set_lfs(self, at: int, found: LfsObject | None) -> None:
        """Note that the leaf is a pointer, or (for a candidate) that it is none."""
        self._lfs[at] = found

    def target_is_known(self, at: int) -> bool:
        """Tell whether a symbolic link was read."""
        return at in self._targets

    def target(self, at: int) -> str | None:
        """Return the text of a symbolic link that was read; None where it is none that can be followed."""
        return self._targets.get(at)

    def set_target(self, at: int, text: str | None) -> None:
        """Note the text of a symbolic link."""
        self._targets[at] = text

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf, in order of path."""
        return (self.leaf(at) for at in range(len(self)))

    def named(self, name: str) -> list[int]:
        """Return the positions of the leaves of that name, in any directory."""
        wanted = _encoded(name)
        tail = b"/" + wanted
        if wanted not in self._paths:
            return []
        return [at for at in range(len(self)) if (path := self._path(at)) == wanted or path.endswith(tail)]

    def inherit(self, earlier: Tree) -> None:
        """Take over what was found out about blobs that an earlier tree had too."""
        if not len(self) or not len(earlier) or self._id_bytes != earlier._id_bytes:
            return
        kind = f"S{self._id_bytes}"
        ours, theirs = np.frombuffer(self._ids, kind), np.frombuffer(earlier._ids, kind)
        order = np.argsort(theirs)
        found = np.searchsorted(theirs, ours, sorter=order)
        found[found == len(theirs)] = 0
        same = np.flatnonzero(theirs[order[found]] == ours)
        for here in same.tolist():
            there = int(order[found[here]])
            if self._sizes[here] == UNKNOWN:
                self._sizes[here] = earlier._sizes[there]
            if there in earlier._lfs:
                self._lfs.setdefault(here, earlier._lfs[there])
            if there in earlier._targets:
                self._targets.setdefault(here, earlier._targets[there])

    def changed(self, written: Iterable[Leaf], removed: Sequence[str]) -> Tree:
        """Return the tree after a commit: `written` leaves in place of what was there, without `removed` paths."""
        fresh = {leaf.path: leaf for leaf in written}
        gone = {*fresh, *removed}
        builder = TreeBuilder()
        for leaf in self.leaves():
            if leaf.path not in gone:
                builder.add(leaf.path, leaf.mode, leaf.blob_id, leaf.size_bytes)
        for leaf in fresh.values():
            builder.add(leaf.path, leaf.mode, leaf.blob_id, leaf.size_bytes)
        tree = builder.build()
        tree.inherit(self)
        return tree

    def _path(self, at: int) -> bytes:
        return self._paths[self._ends[at - 1] if at else 0 : self._ends[at]]

    def _lower(self, path: bytes, low: int = 0) -> int:
        return bisect_left(range(len(self)), path, low, key=self._path)


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")
