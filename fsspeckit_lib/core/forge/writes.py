"""Changes as commits: one file, a copy, deletions, or several changes in one commit.

A precondition is checked against the branch's present commit, and the forge is told what it was checked against, so
that nobody's change in between is lost: GitLab by the file's last commit, GitHub by moving the branch only from the
commit that was looked at. Where the branch moved meanwhile everything is checked again on the new commit, a few times.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from typing_extensions import Buffer

from fsspeckit_lib.core.forge.pointers import Attributes
from fsspeckit_lib.core.forge.ports import Change, Commit, Forge, Signature, blob_id_of
from fsspeckit_lib.core.forge.tree import Kind, Leaf, Tree
from fsspeckit_lib.core.objects import IfAbsent, IfMatch, Precondition
from fsspeckit_lib.errors import (
    AlreadyExists,
    Conflict,
    InvalidValue,
    IsADirectory,
    NotADirectory,
    NotFound,
    ReadOnly,
    ResourceExhausted,
    Unsupported,
)
from fsspeckit_lib.storage_options.repositories import RepositoryOptions, RepositoryPlace

__all__ = ["CommitBatch", "ForgeWriter", "RepositoryWriter"]

_MAX_BYTES = 100 << 20
_ATTEMPTS = 8
_PAUSE_S = 0.1
_FULL_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


class _Store(Protocol):
    def snapshot(self, *, fresh: bool = False) -> tuple[Commit | None, Tree]: ...
    def adopt(self, commit: Commit, tree: Tree | None) -> None: ...
    def etag_at(self, commit: Commit | None, tree: Tree, path: str) -> str | None: ...
    def attributes_of(self, commit: Commit, tree: Tree) -> Attributes: ...


class RepositoryWriter:
    """Makes commits on the branch of one store."""

    def __init__(self, store: _Store, forge: Forge, options: RepositoryOptions, place: RepositoryPlace) -> None:
        self._store = store
        self._forge = forge
        self._options = options
        self._place = place
        self._shown = place.prefix(options.protocol)
        self._turn = threading.Lock()  # one commit of this store at a time: they would only get in each other's way

    def check_allowed(self) -> None:
        """Make sure that this store may be written.

        Raises:
            ReadOnly: `write` is not set, or the ref is a commit.
        """
        if not self._options.write:
            raise ReadOnly(f"{self._shown}: opened to read only; set write=true to make commits")
        if self._place.ref is not None and _FULL_COMMIT.match(self._place.ref):
            raise ReadOnly(f"{self._shown}: a commit never changes; name a branch to make commits on")

    def put(self, key: str, data: bytes, only: Precondition | None) -> None:
        """Commit one file."""
        self.check_allowed()
        self.apply([Change(self.path_of(key), data, None, only)], None)

    def copy(self, source: str, target: str, only: IfAbsent | None) -> None:
        """Commit a copy of one file, of its bytes as they are in Git (an LFS pointer stays one)."""
        self.check_allowed()
        self.apply([self.copied(source, target, only)], None)

    def copied(self, source: str, target: str, only: IfAbsent | None) -> Change:
        """Return the change that copies a file as it is now."""
        _, tree = self._store.snapshot(fresh=True)
        path = self.path_of(source)
        at = tree.find(path)
        if at is None or tree.kind(at) != Kind.FILE:
            raise NotFound(f"{self._shown}/{path}: not found, a file to copy was wanted")
        blob_id = tree.blob_id(at)
        data = self._forge.read_texts([blob_id])[blob_id]
        return Change(self.path_of(target), data, blob_id, only)

    def delete(self, keys: Sequence[str]) -> None:
        """Commit the removal of files; keys without one are left out."""
        self.check_allowed()
        self.apply([Change(self.path_of(key)) for key in keys], None)

    def path_of(self, key: str) -> str:
        """Return a key's path in the repository.

        Raises:
            InvalidValue: Git cannot hold such a path.
        """
        parts = key.split("/")
        if not key or "\0" in key or any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts):
            raise InvalidValue(f"{self._shown}: found the key {key!r}, wanted a path that Git can hold")
        return "/".join(part for part in (self._place.key, key) if part)

    def apply(self, changes: Sequence[Change], message: str | None) -> None:
        """Make one commit of the changes, or none where they change nothing.

        Raises:
            AlreadyExists, Conflict: a precondition does not hold; nothing was written.
            OutcomeUnknown: the reply was lost.
        """
        total = sum(len(change.data) for change in changes if change.data is not None)
        if total > _MAX_BYTES:
            raise ResourceExhausted(
                f"{self._shown}: found {total} bytes for one commit, wanted at most {_MAX_BYTES}; use git, or Git LFS"
            )
        with self._turn:
            self._apply(changes, message)

    def _apply(self, changes: Sequence[Change], message: str | None) -> None:
        failure: Conflict | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(random.random() * _PAUSE_S * attempt)
            commit, tree = self._store.snapshot(fresh=True)
            if commit is None:
                raise Unsupported(f"{self._shown}: the repository is empty; make its first commit with git")
            due = [change for change in changes if self._is_due(commit, tree, change)]
            if not due:
                return
            branch = self._place.ref or self._forge.default_branch() or ""
            signature = Signature(self._options.author_name, self._options.author_email)
            text = message or self._options.commit_message or _message(due)
            try:
                made = self._forge.make_commit(branch, commit, tree, due, text, signature)
            except AlreadyExists:
                raise
            except Conflict as error:
                failure = error
                if self._store.snapshot(fresh=True)[0] == commit:
                    raise  # nothing moved: it is the forge's last word
                continue
            self._store.adopt(made, self._tree_after(commit, made, tree, due))
            return
        raise Conflict(f"{self._shown}: the branch moved {_ATTEMPTS} times meanwhile; try again") from failure

    def _is_due(self, commit: Commit, tree: Tree, change: Change) -> bool:
        """Check a change against the present tree; return False where it changes nothing."""
        who = f"{self._shown}/{change.path}"
        at = tree.find(change.path)
        if change.data is None:
            return at is not None and tree.kind(at) != Kind.MODULE
        if tree.is_directory(change.path):
            raise IsADirectory(f"{who}: is a directory; choose another name")
        parent = change.path.rpartition("/")[0]
        while parent:
            if tree.find(parent) is not None:
                raise NotADirectory(f"{self._shown}/{parent}: is a file, a directory was wanted")
            parent = parent.rpartition("/")[0]
        if isinstance(change.only, IfAbsent) and at is not None:
            raise AlreadyExists(f"{who}: there is a file already")
        if isinstance(change.only, IfMatch):
            now = self._store.etag_at(commit, tree, change.path)
            if now != change.only.etag:
                raise Conflict(f"{who}: found version {now or 'none'}, wanted {change.only.etag}; look again")
        return at is None or tree.blob_id(at) != blob_id_of(change.data, tree.blob_id(at))

    def _tree_after(self, commit: Commit, made: Commit, tree: Tree, changes: Sequence[Change]) -> Tree | None:
        """Return the tree of the commit that was made, where it can be told without asking."""
        if made.parents != (commit.id,):
            return None
        paths = [change.path for change in changes if change.data is not None]
        if any(path.rpartition("/")[2] == ".gitattributes" for path in paths):
            return None
        if paths and tree.named(".gitattributes"):
            attributes = self._store.attributes_of(commit, tree)
            if any(attributes.is_lfs(path) for path in paths):
                return None  # GitLab puts a pointer in the place of such a file
        written = []
        for change in changes:
            if change.data is not None:
                at = tree.find(change.path)
                mode = tree.mode(at) if at is not None and tree.kind(at) == Kind.FILE else 0o100644
                written.append(Leaf(change.path, mode, blob_id_of(change.data, commit.id), len(change.data)))
        return tree.changed(written, [change.path for change in changes if change.data is None])


class CommitBatch:
    """Changes that become one commit. A later change of a path replaces an earlier one."""

    def __init__(self, writer: RepositoryWriter) -> None:
        self._writer = writer
        self._changes: dict[str, Change] = {}

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write one file."""
        self._add(Change(self._writer.path_of(key), bytes(data), None, only))

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy a file as it is now on the branch."""
        self._add(self._writer.copied(source, target, only))

    def move(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy a file as it is now on the branch, and remove it from its old place."""
        self._add(self._writer.copied(source, target, only))
        self.delete([source])

    def delete(self, keys: Iterable[str]) -> None:
        """Remove files; a key without one is not an error."""
        for key in [keys] if isinstance(keys, str) else keys:
            self._add(Change(self._writer.path_of(key)))

    def apply(self, message: str | None) -> None:
        """Make the commit."""
        if self._changes:
            self._writer.apply(list(self._changes.values()), message)

    def _add(self, change: Change) -> None:
        self._changes[change.path] = change


class ForgeWriter:
    """An `ObjectWriter` that collects the file: Git's APIs take a file whole."""

    def __init__(self, writer: RepositoryWriter, key: str, only: Precondition | None) -> None:
        self._writer = writer
        self._key = key
        self._only = only
        self._pieces: list[bytes] = []
        self._size = 0
        writer.path_of(key)

    def write(self, data: Buffer) -> None:
        """Append bytes."""
        piece = bytes(data)
        self._size += len(piece)
        if self._size > _MAX_BYTES:
            self._pieces = []
            raise ResourceExhausted(
                f"{self._key}: found more than {_MAX_BYTES} bytes for one file; use git, or Git LFS"
            )
        self._pieces.append(piece)

    def close(self) -> None:
        """Commit the file."""
        self._writer.put(self._key, b"".join(self._pieces), self._only)

    def abort(self) -> None:
        """Drop what was collected."""
        self._pieces = []


def _message(changes: Sequence[Change]) -> str:
    first = changes[0]
    verb = "Delete" if first.data is None else "Write"
    return f"{verb} {first.path}" if len(changes) == 1 else f"Change {len(changes)} files"
