"""What the virtual file system asks of a storage, of a cache and of the kernel below it, and nothing more.

Protocols and values only. `fsspeckit_lib` satisfies the first three structurally, the kernel's channel the fourth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from fsspeckit_lib.core.objects import Below, ObjectInfo
from fsspeckit_mount.vfs.attributes import Sight

__all__ = [
    "AsksBoth",
    "BackingFiles",
    "Clock",
    "FileCache",
    "HasClasses",
    "ListsFrom",
    "LocalFile",
    "Storage",
    "TellsChanges",
    "WouldBlock",
]

Clock: TypeAlias = Callable[[], float]
"""Monotonic seconds."""


class WouldBlock(Exception):
    """The answer needs the storage or the disk: ask again where waiting is allowed. No error; nothing has changed."""


class Storage(Protocol):
    """The metadata side of a storage; see `fsspeckit_lib.core.objects.ObjectStore`, which has it."""

    @property
    def url(self) -> str: ...

    def stat(self, key: str) -> Sight: ...

    def list_directory(self, key: str) -> Iterator[Sequence[Sight]]: ...

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]: ...


@runtime_checkable
class AsksBoth(Protocol):
    """A storage where an object `a` and keys `a/…` can exist side by side, and that asks for both at once."""

    def stat_both(self, key: str) -> tuple[ObjectInfo | None, Below]:
        """Return the object at `key`, and what lies below it. Two requests at most."""
        ...


@runtime_checkable
class ListsFrom(Protocol):
    """A storage that has only keys, and can list them from any of them on."""

    def list_from(self, key: str, after: str) -> Iterator[Sequence[ObjectInfo]] | None:
        """Return pages of all objects below `key` whose own keys come after `after`, in order; None: not this one."""
        ...


@runtime_checkable
class HasClasses(Protocol):
    """A storage whose objects have a storage class."""

    def storage_class(self, info: ObjectInfo) -> str | None:
        """Return it, None where the storage does not say. One request."""
        ...


@runtime_checkable
class TellsChanges(Protocol):
    """A storage that can say in one request whether anything has changed (the commit of a Git ref)."""

    @property
    def change_poll_s(self) -> float:
        """How often that may be asked without bothering the storage; 0 where nothing can change."""
        ...

    def change_token(self) -> str:
        """Return a text that is another one after every change."""
        ...


class LocalFile(Protocol):
    """The local copy of one version of one file, complete or not. Every method may be called from any thread."""

    @property
    def is_complete(self) -> bool: ...

    def fileno(self) -> int:
        """Return a descriptor of the local bytes, valid until `close`. What is missing reads as zeros."""
        ...

    def is_present(self, start: int, stop: int) -> bool:
        """Tell whether the bytes [start, stop) are all in the local file."""
        ...

    def fetch(self, start: int, stop: int) -> None:
        """Fetch what is missing of [start, stop). Blocks until it is here, or is known not to fit (then `read`)."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes [start, stop), fetched first where they are missing. Blocks."""
        ...

    def fetch_all(self) -> None:
        """Fetch what is missing. Blocks until the copy is complete."""
        ...

    def close(self) -> None: ...


class FileCache(Protocol):
    """Local copies of the files of one storage."""

    def open(self, info: ObjectInfo) -> LocalFile:
        """Return the local copy of that version, however little of it is here. Local I/O only."""
        ...

    def cached_path(self, info: ObjectInfo) -> str | None:
        """Return where the complete copy of that version lies, or None."""
        ...

    def space(self) -> tuple[int, int]:
        """Return how many bytes of copies there may be, and how many there are."""
        ...


class BackingFiles(Protocol):
    """Local files that the kernel reads itself, without asking (FUSE passthrough)."""

    def register(self, fileno: int) -> int | None:
        """Return an id that stands for the file in the reply to an open, or None where the kernel refuses."""
        ...

    def release(self, backing_id: int) -> None:
        """Take back what `register` returned."""
        ...
