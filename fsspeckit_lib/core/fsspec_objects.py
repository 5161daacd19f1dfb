"""The data plane on any fsspec filesystem: what no Rust store covers.

Most fsspec backends have no conditional reads. A version is then what the backend's `info` shows (ETag, checksum,
modification time), asked for again after the bytes: a change in between is CacheStale, not a mixture. Writes go to a
neighbour of the file and are renamed, so a file appears whole; where the backend cannot rename, it says so.
"""

from __future__ import annotations

import contextlib
import datetime
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import Buffer

from fsspeckit_lib.core.connections import Reconnecting
from fsspeckit_lib.core.endpoints import Endpoint, endpoint_for
from fsspeckit_lib.core.objects import (
    DirectoryInfo,
    Entry,
    IfAbsent,
    ObjectInfo,
    ObjectWriter,
    Precondition,
    check_is_directory,
    check_span,
    objects_below,
    read_chunks,
    write_whole,
)
from fsspeckit_lib.errors import (
    AlreadyExists,
    CacheStale,
    GatewayError,
    IsADirectory,
    NotADirectory,
    NotFound,
    OutcomeUnknown,
    ShortRead,
    Unsupported,
)

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["FsspecObjects"]

T = TypeVar("T")

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
    """A `WritableStore` on `fs`, rooted at its path `root`; with a `connection`, on a new one when that is gone."""

    def __init__(
        self,
        fs: AbstractFileSystem,
        root: str,
        url: str,
        namespace: tuple[str, ...],
        endpoint: Endpoint | None = None,
        connection: Reconnecting | None = None,
    ) -> None:
        self._fs = fs
        self._connection = connection
        self._root = root.rstrip("/")
        self._url = url.rstrip("/") if not url.endswith("://") else url
        self._namespace = namespace
        self._endpoint = endpoint or endpoint_for(namespace[0], survives_fork=True)

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
        return self._call(key, lambda: self._info(key))

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of directory `key` as one page: fsspec's `ls` returns all of them."""
        path = self._path(key)

        def ask() -> Any:
            self._fs.invalidate_cache(path)
            return self._fs.ls(path, detail=True)

        children = self._call(key, ask)
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
        check_span(who, info, start, stop)

        def fetch() -> bytes:
            data: bytes = self._fs.cat_file(self._path(info.key), start=start, end=stop)
            after = self._info(info.key)
            if not isinstance(after, ObjectInfo) or after.version != info.version:
                now = after.version if isinstance(after, ObjectInfo) else "a directory"
                raise CacheStale(who, info.version, now)
            if len(data) != stop - start:
                raise ShortRead(who, start, stop - start, len(data))
            return data

        return self._call(info.key, fetch)

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return the object at `key`, whole."""
        entry = self.stat(key)
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self._who(key)}: is a directory, an object was wanted")
        return entry, self.read_range(entry, 0, entry.size_bytes) if entry.size_bytes else b""

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write one object, whole."""
        write_whole(self.open_writer(key, only=only), data)

    def open_writer(self, key: str, *, only: Precondition | None = None) -> ObjectWriter:
        """Begin an object: beside its place, renamed at close.

        IfAbsent looks first: most fsspec backends know no better. IfMatch is Unsupported.
        """
        who = self._who(key)
        if only is not None and not isinstance(only, IfAbsent):
            raise Unsupported(f"{who}: {self._namespace[0]} cannot compare versions as it writes; write it without")
        if only is not None:
            self._refuse_existing(key)
        path = self._path(key)
        parent = self._fs._parent(path)

        def begin() -> Any:
            with contextlib.suppress(FileExistsError):
                self._fs.makedirs(parent, exist_ok=True)
            file = self._fs.open(temporary, "wb")
            if hasattr(file, "set_pipelined"):  # paramiko: else each 32 KiB waits for its answer, 1 MB/s on loopback
                file.set_pipelined(True)
            return file

        temporary = f"{path.rpartition('/')[0]}/.{uuid.uuid4().hex[:12]}.part".lstrip("/" * (not path.startswith("/")))
        file = self._change(who, begin)

        def publish(size_bytes: int) -> None:
            if self._fs.size(temporary) != size_bytes:
                raise ShortRead(who, 0, size_bytes, self._fs.size(temporary) or 0)
            if only is not None and self._fs.exists(path):
                raise self._exists(key)
            self._fs.mv(temporary, path)
            self._fs.invalidate_cache(parent)

        def drop() -> None:
            with contextlib.suppress(Exception):
                self._call(key, lambda: self._fs.rm_file(temporary))

        return _Writer(file, lambda act: self._change(who, act), publish, drop)

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy on the server's side where fsspec's backend can, else through here."""
        if only is not None:
            self._refuse_existing(target)
        source_path, target_path = self._path(source), self._path(target)

        def send() -> None:
            if self._fs.info(source_path)["type"] == "directory":
                raise FileNotFoundError(source_path)
            with contextlib.suppress(FileExistsError):
                self._fs.makedirs(self._fs._parent(target_path), exist_ok=True)
            self._fs.cp_file(source_path, target_path)
            self._fs.invalidate_cache(self._fs._parent(target_path))

        try:
            self._change(self._who(source), send)
        except Unsupported:  # sftp and ftp have no copy
            info = self.stat(source)
            if not isinstance(info, ObjectInfo):
                raise IsADirectory(f"{self._who(source)}: is a directory, an object was wanted") from None
            writer = self.open_writer(target, only=only)
            try:
                for chunk in read_chunks(self, info, 0, info.size_bytes):
                    writer.write(chunk)
            except BaseException:
                writer.abort()
                raise
            writer.close()

    def delete(self, keys: Sequence[str]) -> None:
        """Delete one by one."""
        for key in keys:

            def send(key: str = key) -> None:
                with contextlib.suppress(FileNotFoundError):
                    self._fs.rm_file(self._path(key))
                self._fs.invalidate_cache(self._fs._parent(self._path(key)))

            self._call(key, send)

    def delete_tree(self, key: str) -> int:
        """Delete every object below `key`, then the folders, where the storage has real ones. Return the objects.

        A link is deleted as a file is; a folder that is not empty after all stays.
        """
        folders, found = [key], 0
        for folder in folders:  # it grows
            for page in self.list_directory(folder):
                folders.extend(entry.key for entry in page if isinstance(entry, DirectoryInfo))
                objects = [entry.key for entry in page if isinstance(entry, ObjectInfo)]
                self.delete(objects)
                found += len(objects)
        for folder in reversed(folders):
            with contextlib.suppress(GatewayError):
                self.remove_directory(folder)
        return found

    def make_directory(self, key: str) -> None:
        """Make a directory, and those above it; one that is there is left as it is."""

        def send() -> None:
            with contextlib.suppress(FileExistsError):
                self._fs.makedirs(self._path(key), exist_ok=True)

        self._change(self._who(key), send)

    def remove_directory(self, key: str) -> None:
        """Remove an empty directory."""
        self._change(self._who(key), lambda: self._fs.rmdir(self._path(key)))

    def close(self) -> None:
        """Release nothing: fsspec shares filesystem instances."""

    def _refuse_existing(self, key: str) -> None:
        with contextlib.suppress(NotFound):
            self.stat(key)
            raise self._exists(key)

    def _exists(self, key: str) -> AlreadyExists:
        return AlreadyExists(f"{self._who(key)}: it exists already, and only a new object was wanted")

    def _call(self, key: str, request: Callable[[], T]) -> T:
        return self._endpoint.call(self._who(key), self._connected(request))

    def _change(self, who: str, request: Callable[[], T]) -> T:
        return self._endpoint.change(who, self._connected(request))

    def _connected(self, request: Callable[[], T]) -> Callable[[], T]:
        """Return the request with a look at the connection before it; it runs with the endpoint's slot held."""
        connection = self._connection
        if connection is None:
            return request

        def send() -> T:
            try:
                self._fs = connection.current()
                return request()
            except Exception as error:
                connection.failed(error)
                raise

        return send

    def _info(self, key: str) -> Entry:
        path = self._path(key)
        self._fs.invalidate_cache(self._fs._parent(path))
        return self._entry(key, self._fs.info(path))

    def _path(self, key: str) -> str:
        if key and ("\0" in key or any(part in {"", ".", ".."} for part in key.split("/"))):
            raise NotFound(f"{self._who(key)}: no file can have this name")
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


class _Writer:
    """A file beside its place, until it is whole."""

    def __init__(
        self,
        file: Any,
        change: Callable[[Callable[[], object]], object],
        publish: Callable[[int], None],
        drop: Callable[[], None],
    ) -> None:
        self._file, self._change, self._publish, self._drop = file, change, publish, drop
        self._size_bytes = 0

    def write(self, data: Buffer) -> None:
        """Append."""
        self._change(lambda: self._file.write(data))
        self._size_bytes += memoryview(data).nbytes

    def close(self) -> None:
        """Finish the file and give it its name."""
        try:
            self._change(self._file.close)
            self._change(lambda: self._publish(self._size_bytes))
        except OutcomeUnknown:
            raise
        except BaseException:
            self._drop()
            raise

    def abort(self) -> None:
        """Drop the file."""
        with contextlib.suppress(Exception):
            self._change(self._file.close)
        self._drop()

    def abandon(self) -> None:
        """Drop the file from another thread: the garbage collector may come in one that holds the endpoint's slot."""
        with contextlib.suppress(RuntimeError):  # the interpreter is ending
            threading.Thread(target=self.abort, name="writer-abandoned", daemon=True).start()


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
