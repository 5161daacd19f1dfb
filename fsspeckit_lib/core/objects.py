"""The data plane: what the cache, the mount and the datasets ask of a storage, and nothing more.

Pure: values, Protocols, and the walk that storages without a recursive listing share. Implementations:
`obstore_objects` (S3, GCS, Azure and HTTP, in Rust), `local_objects` (`os.pread`), `forge` (GitLab and GitHub) and
`fsspec_objects` (every other protocol). All of them are safe to call from any thread, raise only errors of
`fsspeckit_lib.errors`, and never return fewer bytes than asked for.

A *key* is a path relative to the root of its storage: `/` separates, no leading or trailing slash, the root is `""`.
Byte spans are half-open `[start, stop)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from typing_extensions import Buffer

from fsspeckit_lib.errors import InvalidValue, NotADirectory, NotFound

__all__ = [
    "DirectoryInfo",
    "Entry",
    "ExecutableInfo",
    "IfAbsent",
    "IfMatch",
    "LinkInfo",
    "ObjectInfo",
    "ObjectStore",
    "ObjectWriter",
    "Precondition",
    "WritableStore",
    "check_is_directory",
    "check_span",
    "objects_below",
    "read_chunks",
    "write_whole",
]


_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One version of one object, as its storage describes it.

    Attributes:
        key: relative to the root of the storage.
        size_bytes: whole object.
        mtime_ns: last modification, nanoseconds since the epoch; 0 where the storage does not say.
        etag: the storage's own word for this version, or None where it has none.
    """

    key: str
    size_bytes: int
    mtime_ns: int
    etag: str | None

    @property
    def version(self) -> str:
        """Return a text that differs whenever the content may differ: size plus ETag, else size plus mtime."""
        return f"{self.size_bytes}:{self.etag or self.mtime_ns}"

    @property
    def name(self) -> str:
        """Return the last component of the key."""
        return self.key.rpartition("/")[2]


class ExecutableInfo(ObjectInfo):
    """An object that its storage marks as a program (Git's mode 0755)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """A symbolic link; `target` is its text. Only a store that was asked for its links (`with_links`) returns one."""

    key: str
    target: str
    mtime_ns: int = 0

    @property
    def name(self) -> str:
        """Return the last component of the key."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class DirectoryInfo:
    """A directory, or a prefix that has keys below it. `mtime_ns` is 0 where the storage knows none."""

    key: str
    mtime_ns: int = 0

    @property
    def name(self) -> str:
        """Return the last component of the key; empty for the root."""
        return self.key.rpartition("/")[2]


Entry: TypeAlias = ObjectInfo | DirectoryInfo


@dataclass(frozen=True, slots=True)
class Below:
    """What one LIST shows of the keys below a prefix.

    Attributes:
        has_keys: whether there are any, so that the prefix is a directory.
        objects: all of them (but the marker of the prefix itself), None where there may be more.
    """

    has_keys: bool
    objects: Sequence[ObjectInfo] | None


@dataclass(frozen=True, slots=True)
class IfAbsent:
    """Write only where no object is; otherwise AlreadyExists."""


@dataclass(frozen=True, slots=True)
class IfMatch:
    """Write only over the version with this ETag; otherwise Conflict."""

    etag: str


Precondition: TypeAlias = IfAbsent | IfMatch


class ObjectStore(Protocol):
    """A storage rooted at `url`, read through keys."""

    @property
    def url(self) -> str:
        """The root as a user would type it, without a trailing slash and without secrets: `s3://bucket/prefix`."""
        ...

    @property
    def namespace(self) -> tuple[str, ...]:
        """Path components that name this root among all storages, e.g. `("s3", "bucket", "prefix")`.

        Two stores with equal namespaces hold the same objects: the cache keeps one copy for both. Where the same
        protocol and bucket exist at several endpoints, the first component carries the endpoint (`s3-127.0.0.1-8333`).
        """
        ...

    @property
    def is_immutable(self) -> bool:
        """True where nothing below the root can ever change (a Git commit): a copy of it needs no revalidation."""
        ...

    def check(self) -> None:
        """Make sure that the storage answers and its root is there, with the smallest request that tells.

        Raises:
            NotFound: no such bucket or directory.
            NotADirectory: the root is a file.
            AccessDenied, Unavailable: the storage refused, or could not be reached.
        """
        ...

    def stat(self, key: str) -> Entry:
        """Return what lies at `key` now.

        Raises:
            NotFound: neither an object nor a directory; the storage itself said so.
            Unavailable, AccessDenied: it could not be found out.
        """
        ...

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the direct children of directory `key` in pages, in no promised order.

        A name that is both an object and a prefix comes twice, once as each. The empty directory of an object storage
        does not exist; listing it raises NotFound, except for the root.
        """
        ...

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every object below directory `key`, at any depth, in pages, in no promised order."""
        ...

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Return exactly the bytes [start, stop) of that version of the object; `0 <= start < stop <= size_bytes`.

        Raises:
            CacheStale: the object is now another version than `info`.
            ShortRead: the storage sent another number of bytes.
            InvalidValue: the span is none, or not within the object.
        """
        ...

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return a whole object and what it is, of one version, in one request where the storage allows.

        Raises:
            NotFound, IsADirectory: there is no object at `key`.
            ShortRead: the storage sent another number of bytes than it promised.
        """
        ...

    def close(self) -> None:
        """Release connections. The store is not used afterwards."""
        ...


class ObjectWriter(Protocol):
    """One object on its way: parts travel as they fill, and the object appears whole at `close`, or never."""

    def write(self, data: Buffer) -> None:
        """Append bytes. After an error, only `abort` is of use."""
        ...

    def close(self) -> None:
        """Publish the object. Raises as `WritableStore.put`."""
        ...

    def abort(self) -> None:
        """Drop what was sent; the object that was there before stays."""
        ...


class WritableStore(ObjectStore, Protocol):
    """An `ObjectStore` that can also be changed. A written object appears whole or not at all."""

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write one object from memory.

        Raises:
            AlreadyExists: `only` is IfAbsent, and there is an object.
            Conflict: `only` is IfMatch, and the object is another version or gone.
            OutcomeUnknown: the reply was lost; the object may have been written.
            Unsupported: the storage cannot check `only`; nothing was written.
        """
        ...

    def open_writer(self, key: str, *, only: Precondition | None = None) -> ObjectWriter:
        """Begin an object of unknown size. `only` is checked when the writer is closed. Memory: a few parts."""
        ...

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy an object on the server's side.

        Raises:
            NotFound: there is no object at `source`.
            AlreadyExists: `only` is IfAbsent, and there is an object at `target`.
        """
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects, in batches where the storage can. A key without an object is not an error."""
        ...


def write_whole(writer: ObjectWriter, data: Buffer) -> None:
    """Write one object from memory, or nothing."""
    try:
        writer.write(data)
    except BaseException:
        writer.abort()
        raise
    writer.close()


def read_chunks(store: ObjectStore, info: ObjectInfo, start: int, stop: int) -> Iterator[Buffer]:
    """Yield bytes [start, stop) of one version, 8 MiB at a time; nothing if the span is empty."""
    for position in range(start, stop, _CHUNK_BYTES):
        yield store.read_range(info, position, min(position + _CHUNK_BYTES, stop))


class _Rooted(Protocol):
    @property
    def url(self) -> str: ...
    def stat(self, key: str) -> Entry: ...


def check_is_directory(store: _Rooted) -> None:
    """Make sure that the root of a storage with real directories is one: `ObjectStore.check` for such a storage."""
    try:
        entry = store.stat("")
    except NotFound as error:
        raise NotFound(f"{store.url}: no such directory; create it, or check the spelling") from error
    if not isinstance(entry, DirectoryInfo):
        raise NotADirectory(f"{store.url}: is a file, a directory or bucket was wanted; name the folder it lies in")


def check_span(who: str, info: ObjectInfo, start: int, stop: int) -> None:
    """Make sure that [start, stop) is a span of bytes of that object, and not an empty one."""
    if not 0 <= start < stop <= info.size_bytes:
        raise InvalidValue(
            f"{who}: found the span [{start}, {stop}), wanted one within the object's {info.size_bytes} bytes "
            "that is not empty"
        )


class _Directories(Protocol):
    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]: ...


def objects_below(store: _Directories, key: str) -> Iterator[Sequence[ObjectInfo]]:
    """Yield every object below `key`, one directory at a time: `list_recursive` for a storage that has no such call."""
    pending = [key]
    while pending:
        for page in store.list_directory(pending.pop()):
            pending.extend(entry.key for entry in page if isinstance(entry, DirectoryInfo))
            objects = [entry for entry in page if isinstance(entry, ObjectInfo)]
            if objects:
                yield objects
