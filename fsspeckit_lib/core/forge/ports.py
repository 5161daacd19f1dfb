"""What the store asks of a forge: `GitLabApi` and `GitHubApi` answer it. Pure: values and one Protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fsspeckit_lib.core.forge.http import ForgeHttp
from fsspeckit_lib.core.forge.tree import Tree
from fsspeckit_lib.core.objects import Precondition

__all__ = ["Change", "Commit", "Forge", "Signature", "blob_id_of"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its id and its tree's (empty where the forge does not say), when it was made, its parents."""

    id: str
    tree_id: str
    committed_ns: int
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """Who commits; None leaves it to the forge, which takes the token's owner."""

    name: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One path that a commit writes or removes.

    Attributes:
        path: in the repository.
        data: the new content; None removes the file.
        source_blob_id: the blob that `data` is, where the repository has it already (a copy).
        only: what must hold of the path at the commit's parent.
    """

    path: str
    data: bytes | None = field(default=None, repr=False)
    source_blob_id: str | None = None
    only: Precondition | None = None


class Forge(Protocol):
    """One project of GitLab or repository of GitHub, over HTTP. Safe from any thread."""

    @property
    def http(self) -> ForgeHttp:
        """The connection pool, for the bytes of blobs and LFS objects."""
        ...

    @property
    def tells_lfs(self) -> bool:
        """True while `fill_sizes` also finds the LFS objects; else the store reads what may be a pointer."""
        ...

    def check(self) -> None:
        """Make sure that the project is there and the token may read it."""
        ...

    def default_branch(self) -> str | None:
        """Return the name of the default branch; None where the repository is empty."""
        ...

    def resolve(self, ref: str | None) -> Commit | None:
        """Return the commit that a branch, tag or commit id names now; None where the repository is empty.

        Raises:
            NotFound: no such ref.
        """
        ...

    def load_tree(self, commit: Commit) -> Tree:
        """Return every leaf of a commit."""
        ...

    def fill_sizes(self, commit: Commit, tree: Tree, positions: Sequence[int]) -> None:
        """Find out the sizes of the files at `positions`, in as few requests as the API allows."""
        ...

    def read_texts(self, blob_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Return the contents of small blobs: symbolic links, LFS pointers, `.gitattributes`."""
        ...

    def blob_request(self, blob_id: str) -> tuple[str, Mapping[str, str]]:
        """Return the URL of a blob's bytes, and the headers that ask for them raw."""
        ...

    def lfs_request(self) -> tuple[str, Mapping[str, str]]:
        """Return the URL of the LFS server, and the headers that carry the token there."""
        ...

    def lfs_fallback(self, commit: Commit, path: str) -> tuple[str, Mapping[str, str]] | None:
        """Return where the API itself serves an LFS file's content, for tokens that may not use the LFS server."""
        ...

    def make_commit(
        self, branch: str, base: Commit, tree: Tree, changes: Sequence[Change], message: str, signature: Signature
    ) -> Commit:
        """Put one commit on a branch whose tip should be `base`; preconditions were checked against `tree`.

        Raises:
            Conflict: the branch, or a file with a precondition, changed meanwhile; nothing was written.
            OutcomeUnknown: the reply was lost.
        """
        ...


def blob_id_of(data: bytes, like: str) -> str:
    """Return the object id that Git gives to a blob, in the hash that the id `like` is of (SHA-1 or SHA-256)."""
    digest = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest()
