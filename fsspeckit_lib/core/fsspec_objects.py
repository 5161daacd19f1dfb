"""The data plane on any fsspec filesystem: what no Rust store covers.

Most fsspec backends have no conditional reads. A version is then what the backend's `info` shows (ETag, checksum,
modification time), asked for again after the bytes: a change in between is CacheStale, not a mixture.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import Buffer

from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo, check_is_directory, objects_below
from fsspeckit_lib.errors import CacheStale, IsADirectory, NotADirectory, ShortRead, Unsupported

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["FsspecObjects"]

_ETAG_KEYS = (
    "ETag",
    "etag",
    "e_tag",
    "md5",
    "md5Hash",
    "content_md5",
    "checksum",
    "sha",
    "hex",
    "crc32c",
    "generation",
)
_MTIME_KEYS = ("mtime", "LastModified", "last_modified", "modified", "updated", "timeModified", "time", "created")


class FsspecObjects:
    """An `ObjectStore` on `fs`, rooted at its path `root`."""

    def __init__(self, fs: AbstractFileSystem, root: str, url: str, namespace: tuple[str, ...]) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self._url = url.rstrip("/") if not url.endswith("://") else url
        self._namespace = namespace

    @property
    def url(self) -> str:
        """The root as a user types it."""
        return self._url

    @property
    def namespace(self) -> tuple[str, ...]:
        """Protocol and the components of the root."""
        return self._namespace

    @property
    def is_immutable(self) -> bool:
        """False: objects may be replaced at any time."""
        return False

    def check(self) -> None:
        """Make sure that the root is a directory that can be reached."""
        check_is_directory(self)

    def stat(self, key: str) -> Entry:
        """Return what fsspec's `info` says of `key`, past its listing cache."""
        with translated(self._who(key)):
            self._fs.invalidate_cache(self._fs._parent(self._path(key)))
            return self._entry(key, self._fs.info(self._path(key)))

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of directory `key` as one page: fsspec's `ls` returns all of them."""
        path = self._path(key)
        with translated(self._who(key)):
            self._fs.invalidate_cache(path)
            children = self._fs.ls(path, detail=True)
        page: list[Entry] = []
        for child in children:
            name = str(child["name"]).rstrip("/").rpartition("/")[2]
            if _same_path(child["name"], path):
                if child.get("type") == "file" and len(children) == 1:
                    raise NotADirectory(f"{self._who(key)}: is a file, a directory was wanted")
                continue  # a directory's own marker
            page.append(self._entry(f"{key}/{name}" if key else name, child))
        if page:
            yield page

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every object below `key`, one directory at a time."""
        return objects_below(self, key)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Return bytes [start, stop) of that version: one `cat_file`, then one `info` that proves the version."""
        who = self._who(info.key)
        with translated(who):
            data: bytes = self._fs.cat_file(self._path(info.key), start=start, end=stop)
            after = self.stat(info.key)
        if not isinstance(after, ObjectInfo) or after.version != info.version:
            now = after.version if isinstance(after, ObjectInfo) else "a directory"
            raise CacheStale(who, info.version, now)
        if len(data) != stop - start:
            raise ShortRead(who, start, stop - start, len(data))
        return data

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return the object at `key`, whole."""
        entry = self.stat(key)
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self.url}/{key}: is a directory, an object was wanted")
        return entry, self.read_range(entry, 0, entry.size_bytes) if entry.size_bytes else b""

    def close(self) -> None:
        """Release nothing: fsspec shares filesystem instances."""

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root or str(self._fs.root_marker)

    def _who(self, key: str) -> str:
        return f"{self._url.rstrip('/')}/{key}" if key else self._url

    def _entry(self, key: str, info: Mapping[str, Any]) -> Entry:
        mtime_ns = _mtime_ns(info)
        if info.get("type") == "directory":
            return DirectoryInfo(key, mtime_ns)
        size = info.get("size")
        if size is None:
            raise Unsupported(
                f"{self._who(key)}: the storage does not tell its size, and without it a short read cannot be "
                "told from the end; copy it to a storage that does"
            )
        etag = next((str(info[name]) for name in _ETAG_KEYS if info.get(name)), None)
        return ObjectInfo(key, int(size), mtime_ns, etag)


def _same_path(one: object, other: str) -> bool:
    return str(one).strip("/") == other.strip("/")


def _mtime_ns(info: Mapping[str, Any]) -> int:
    for name in _MTIME_KEYS:
        value = info.get(name)
        if isinstance(value, datetime.datetime):
            return _datetime_ns(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return round(value * 1_000_000) * 1000  # a float of seconds is good for microseconds, no more
        if isinstance(value, str):
            try:
                return _datetime_ns(datetime.datetime.fromisoformat(value))
            except ValueError:
                continue
    return 0


def _datetime_ns(moment: datetime.datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return int(aware.timestamp()) * 1_000_000_000 + aware.microsecond * 1000
