"""The data plane on a Git repository: `ForgeObjects`, for GitLab and GitHub alike.

A ref is resolved to a commit, which is believed for `ref_ttl_s`; a full commit id is resolved once. The commit's tree
is listed once and kept (`trees`), so that whatever is asked of the same commit again makes no request. An object's ETag
is its blob's id (and its LFS object's): the bytes of a blob never change, so reads are of one version even while the
branch moves, and an `ObjectInfo` of an older commit can still be read.

`mtime_ns` is the commit's time for every file: the forges tell a file's own last commit only one file at a time.
Symbolic links to a file of the tree are that file, and others are left out; `with_links` shows each as the link it is.
Submodules are empty directories.

Lock order: `_resolving` before `_lock`; `_lock` is held only to look.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import posixpath
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from typing_extensions import Buffer

from fsspeckit_lib.core.forge.blobs import BlobReader
from fsspeckit_lib.core.forge.pointers import POINTER_BYTES, Attributes, parse_pointer
from fsspeckit_lib.core.forge.ports import Commit, Forge
from fsspeckit_lib.core.forge.tree import UNKNOWN, Kind, Tree, TreeBuilder
from fsspeckit_lib.core.forge.trees import TREES, TreeKey
from fsspeckit_lib.core.forge.writes import CommitBatch, ForgeWriter, RepositoryWriter
from fsspeckit_lib.core.objects import (
    DirectoryInfo,
    Entry,
    ExecutableInfo,
    IfAbsent,
    LinkInfo,
    ObjectInfo,
    ObjectWriter,
    Precondition,
    check_is_directory,
    check_span,
)
from fsspeckit_lib.errors import IsADirectory, NotADirectory, NotFound
from fsspeckit_lib.storage_options.repositories import RepositoryOptions, RepositoryPlace

__all__ = ["ForgeObjects"]

_PAGE_OBJECTS = 1000
_NEIGHBOURS = 100
_FULL_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_MAX_LINKS = 10


class ForgeObjects:
    """A `WritableStore` on one ref of one repository, rooted at a path in it."""

    def __init__(
        self,
        forge: Forge,
        options: RepositoryOptions,
        place: RepositoryPlace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._forge = forge
        self._options = options
        self._place = place
        self._root = place.key
        self._clock = clock
        self._lock = threading.Lock()
        self._resolving = threading.Lock()
        self._commit: Commit | None = None
        self._resolved_at: float | None = None
        self._attributes: tuple[str, Attributes] | None = None
        self._shows_links = False
        config = forge.http.config
        fingerprint = hashlib.sha256(repr(sorted(config.headers.items())).encode()).hexdigest()
        self._tree_key = (config.base_url, place.project, fingerprint)
        self._blobs = BlobReader(forge, self._commit_now)
        self._writer = RepositoryWriter(self, forge, options, place)

    @property
    def url(self) -> str:
        """`gitlab://group/project@ref/path`."""
        return self._place.url(self._options.protocol)

    @property
    def namespace(self) -> tuple[str, ...]:
        """Instance, project, `@ref` and path; pointers shown as texts have a place of their own."""
        parts = self._place.components()
        if not self._options.lfs:
            parts = tuple(f"{part}+pointers" if part == f"@{self._place.ref_name}" else part for part in parts)
        return (self._options.namespace(), *parts)

    @property
    def is_immutable(self) -> bool:
        """True where the ref is a full commit id."""
        return self._place.ref is not None and _FULL_COMMIT.match(self._place.ref) is not None

    @property
    def change_poll_s(self) -> float:
        """How often `change_token` may be asked: the ref's own time to live; 0 where nothing can change."""
        return 0.0 if self.is_immutable else self._options.ref_ttl_s

    def change_token(self) -> str:
        """Ask for the ref now; return its commit, which is another one whenever anything has changed."""
        commit = self._commit_now(fresh=True)
        return commit.id if commit is not None else ""

    def with_links(self) -> ForgeObjects:
        """Return a view that shows what Git knows: a symbolic link is a `LinkInfo`, a program an `ExecutableInfo`."""
        view = copy.copy(self)
        view._shows_links = True
        return view

    @property
    def shows_links(self) -> bool:
        """Whether this is such a view."""
        return self._shows_links

    def check(self) -> None:
        """Ask for the project and the ref; a path below the root is looked for in the tree."""
        self._forge.check()
        self._commit_now()
        if self._root:
            check_is_directory(self)

    def stat(self, key: str) -> Entry:
        """Return what lies at `key` at the ref's commit."""
        commit, tree = self.snapshot()
        path = self._path(key)
        at = self._find(tree, path)
        if at is not None and tree.kind(at) == Kind.FILE:
            if self._is_unknown(commit, tree, at):
                self._describe(commit, tree, self._neighbours(tree, at))
            return self._info(commit, tree, key, at)
        if self._shows_links and at is not None and tree.kind(at) == Kind.LINK:
            return self._link(commit, tree, key, at)
        if tree.is_directory(path):
            return DirectoryInfo(key, commit.committed_ns if commit is not None else 0)
        raise NotFound(f"{self._who(key)}: not found")

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of directory `key`, with sizes, in the order of their names as bytes."""
        commit, tree = self.snapshot()
        path = self._path(key)
        if not tree.is_directory(path):
            if self._find(tree, path) is not None:
                raise NotADirectory(f"{self._who(key)}: is a file, a directory was wanted")
            raise NotFound(f"{self._who(key)}: not found")
        page: list[int | str] = []
        for child in tree.children(path):
            page.append(child)
            if len(page) == _PAGE_OBJECTS:
                yield self._entries(commit, tree, page)
                page = []
        if page:
            yield self._entries(commit, tree, page)

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every file below `key`, with sizes, in the order of their paths as bytes."""
        commit, tree = self.snapshot()
        path = self._path(key)
        if not tree.is_directory(path):
            raise NotFound(f"{self._who(key)}: not found")
        positions = tree.below(path)
        for start in range(0, len(positions), _PAGE_OBJECTS):
            page = self._entries(commit, tree, list(positions[start : start + _PAGE_OBJECTS]))
            yield [entry for entry in page if isinstance(entry, ObjectInfo)]

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Return bytes [start, stop) of that version: of its blob, whatever the branch points at by now."""
        check_span(self._who(info.key), info, start, stop)
        return self._blobs.read_range(info, self._path(info.key), self._who(info.key), start, stop)

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return the file at `key`, whole. Where its size is not known yet, one request brings both."""
        commit, tree = self.snapshot()
        at = self._find(tree, self._path(key))
        if at is not None and tree.kind(at) == Kind.FILE and self._is_unknown(commit, tree, at):
            data = self._blobs.read_blob(tree.blob_id(at), self._who(key))
            tree.set_size(at, len(data))
            is_pointer = parse_pointer(data) is not None
            if not is_pointer:
                tree.set_lfs(at, None)
            if not is_pointer or not self._options.lfs:
                return self._info(commit, tree, key, at), data
        entry = self.stat(key)
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self._who(key)}: is a directory, an object was wanted")
        return entry, self.read_range(entry, 0, entry.size_bytes) if entry.size_bytes else b""

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write one file, as a commit of its own. Content that is there already makes no commit."""
        self._writer.put(key, bytes(data), only)

    def open_writer(self, key: str, *, only: Precondition | None = None) -> ObjectWriter:
        """Begin a file of unknown size; it is kept in memory and committed at close. At most 100 MB."""
        self._writer.check_allowed()
        return ForgeWriter(self._writer, key, only)

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy a file, as a commit of its own. GitHub refers to the same blob; to GitLab its bytes are sent."""
        self._writer.copy(source, target, only)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete files, all in one commit."""
        self._writer.delete(keys)

    @contextlib.contextmanager
    def commit(self, message: str | None = None) -> Iterator[CommitBatch]:
        """Collect changes and make one commit of them at the end of the block; an error in it makes none.

            with store.commit("Publish January") as batch:
                batch.put("data/january.csv", data)
                batch.delete("data/draft.csv")

        Raises:
            ReadOnly: `write` is not set, or the ref is a commit.
            Conflict, AlreadyExists, OutcomeUnknown: as `put`, for the commit as a whole.
        """
        self._writer.check_allowed()
        batch = CommitBatch(self._writer)
        yield batch
        batch.apply(message)

    def close(self) -> None:
        """Close the connections and drop what was kept of blobs."""
        self._blobs.close()
        self._forge.http.close()

    # What the writer needs of the store

    def snapshot(self, *, fresh: bool = False) -> tuple[Commit | None, Tree]:
        """Return the ref's commit and its tree; None and an empty tree for an empty repository.

        Args:
            fresh: ask for the ref now, whatever its time to live says.
        """
        commit = self._commit_now(fresh=fresh)
        if commit is None:
            return None, TreeBuilder().build()
        found = commit
        return found, TREES.get_or_load(self._key_of(found), lambda: self._forge.load_tree(found))

    def adopt(self, commit: Commit, tree: Tree | None) -> None:
        """Take the commit that was just made as the ref's present one, with its tree where that is known."""
        if tree is not None:
            TREES.put(self._key_of(commit), tree)
        with self._lock:
            self._commit, self._resolved_at = commit, self._clock()

    def etag_at(self, commit: Commit | None, tree: Tree, path: str) -> str | None:
        """Return the ETag of the file at a path of the repository; None where there is no file."""
        at = tree.find(path)
        if at is None or tree.kind(at) != Kind.FILE:
            return None
        if self._is_unknown(commit, tree, at):
            self._describe(commit, tree, [at])
        return self._etag(tree, at)

    def attributes_of(self, commit: Commit, tree: Tree) -> Attributes:
        """Return the `.gitattributes` of a commit, read once."""
        with self._lock:
            known = self._attributes
        if known is not None and known[0] == commit.id:
            return known[1]
        files = [at for at in tree.named(".gitattributes") if tree.kind(at) == Kind.FILE]
        texts = self._forge.read_texts([tree.blob_id(at) for at in files])
        found = Attributes({posixpath.dirname(tree.path(at)): texts[tree.blob_id(at)] for at in files})
        with self._lock:
            self._attributes = (commit.id, found)
        return found

    # Inner workings

    def _commit_now(self, *, fresh: bool = False) -> Commit | None:
        if not fresh and self._is_fresh():
            return self._commit
        with self._resolving:
            if fresh or not self._is_fresh():
                commit = self._forge.resolve(self._place.ref)
                with self._lock:
                    self._commit, self._resolved_at = commit, self._clock()
            return self._commit

    def _is_fresh(self) -> bool:
        with self._lock:
            if self._resolved_at is None:
                return False
            if self.is_immutable:
                return True
            return self._clock() - self._resolved_at < self._options.ref_ttl_s

    def _entries(self, commit: Commit | None, tree: Tree, children: Sequence[int | str]) -> list[Entry]:
        """Return the entries of leaves and directories; those that nothing can be said of are left out."""
        mtime_ns = commit.committed_ns if commit is not None else 0
        links = [at for at in children if isinstance(at, int) and tree.kind(at) == Kind.LINK]
        self._read_links(tree, links)
        shown: list[tuple[str, int]] = []
        entries: list[Entry] = []
        for child in children:
            if isinstance(child, str):
                entries.append(DirectoryInfo(self._key(child), mtime_ns))
                continue
            path = tree.path(child)
            if tree.kind(child) == Kind.MODULE:
                entries.append(DirectoryInfo(self._key(path), mtime_ns))
                continue
            if self._shows_links and tree.kind(child) == Kind.LINK:
                entries.append(self._link(commit, tree, self._key(path), child))
                continue
            target = self._find(tree, path)
            if target is not None and tree.kind(target) == Kind.FILE:
                shown.append((path, target))
        self._describe(commit, tree, [at for _, at in shown if self._is_unknown(commit, tree, at)])
        entries.extend(self._info(commit, tree, self._key(path), at) for path, at in shown)
        return entries

    def _find(self, tree: Tree, path: str) -> int | None:
        """Return the leaf at a path, symbolic links followed; None for a link that leads to no file of the tree."""
        for _ in range(_MAX_LINKS):
            at = tree.find(path)
            if at is None or tree.kind(at) != Kind.LINK or self._shows_links:
                return at
            self._read_links(tree, [at])
            target = tree.target(at)
            if not target or target.startswith("/"):
                return None
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return None

    def _read_links(self, tree: Tree, positions: Sequence[int]) -> None:
        unread = [at for at in positions if not tree.target_is_known(at)]
        if not unread:
            return
        texts = self._forge.read_texts([tree.blob_id(at) for at in unread])
        for at in unread:
            tree.set_target(at, texts[tree.blob_id(at)].decode("utf-8", "surrogateescape"))

    def _is_unknown(self, commit: Commit | None, tree: Tree, at: int) -> bool:
        if tree.size_bytes(at) == UNKNOWN:
            return True
        if not self._options.lfs or tree.lfs_is_known(at) or tree.size_bytes(at) not in POINTER_BYTES:
            return False
        return commit is not None and self.attributes_of(commit, tree).is_lfs(tree.path(at))

    def _describe(self, commit: Commit | None, tree: Tree, positions: Sequence[int]) -> None:
        """Find out sizes, and which of the files are LFS pointers."""
        if commit is None or not positions:
            return
        positions = list(dict.fromkeys(positions))
        unsized = [at for at in positions if tree.size_bytes(at) == UNKNOWN]
        if unsized:
            self._forge.fill_sizes(commit, tree, unsized)
        if not self._options.lfs:
            return
        candidates = [at for at in positions if self._is_unknown(commit, tree, at)]
        if candidates:
            texts = self._forge.read_texts([tree.blob_id(at) for at in candidates])
            for at in candidates:
                tree.set_lfs(at, parse_pointer(texts[tree.blob_id(at)]))

    def _neighbours(self, tree: Tree, at: int) -> list[int]:
        """Return the leaf and those beside it: they cost no further request, and are likely asked for next."""
        if not self._forge.tells_lfs:
            return [at]
        around = range(max(0, at - _NEIGHBOURS // 4), min(len(tree), at + _NEIGHBOURS * 3 // 4))
        return [
            near for near in around if near == at or (tree.kind(near) == Kind.FILE and tree.size_bytes(near) == UNKNOWN)
        ][:_NEIGHBOURS]

    def _info(self, commit: Commit | None, tree: Tree, key: str, at: int) -> ObjectInfo:
        real = tree.lfs(at) if self._options.lfs else None
        size = real.size_bytes if real is not None else tree.size_bytes(at)
        kind = ExecutableInfo if self._shows_links and tree.mode(at) & 0o111 else ObjectInfo
        return kind(key, size, commit.committed_ns if commit is not None else 0, self._etag(tree, at))

    def _link(self, commit: Commit | None, tree: Tree, key: str, at: int) -> Entry:
        self._read_links(tree, [at])
        link = LinkInfo(key, tree.target(at) or "", commit.committed_ns if commit is not None else 0)
        return cast("Entry", link)  # only who asked for links gets one, and reads it as such

    def _etag(self, tree: Tree, at: int) -> str:
        real = tree.lfs(at) if self._options.lfs else None
        return tree.blob_id(at) if real is None else f"{tree.blob_id(at)}-{real.oid}"

    def _key_of(self, commit: Commit) -> TreeKey:
        return (*self._tree_key, commit.id)

    def _path(self, key: str) -> str:
        return "/".join(part for part in (self._root, key) if part)

    def _key(self, path: str) -> str:
        return path[len(self._root) + 1 :] if self._root else path

    def _who(self, key: str) -> str:
        if not key:
            return self.url
        return self._place.prefix(self._options.protocol) + f"/{self._path(key)}"
