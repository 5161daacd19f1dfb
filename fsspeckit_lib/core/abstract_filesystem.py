"""fsspec's face of the data plane: what pandas, pyarrow, DuckDB and `fsspec.open` take.

A subclass says which store a path means (`_place`); listing, reading, writing and copying are here, once. Paths are
smart: with or without the scheme, in any case of it, with or without slashes around. A URL of another scheme is refused
rather than taken for a path. Writes go out as they fill and appear whole at close; a block that raises leaves the old
object. There is no append and no update in place.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import fsspec
from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.transaction import Transaction

from fsspeckit_lib.common.local_files import refuse_links
from fsspeckit_lib.common.transfer import local_path
from fsspeckit_lib.core.builtin_errors import fsspec_errors
from fsspeckit_lib.core.copying import BoundedCopies
from fsspeckit_lib.core.objects import (
    DirectoryInfo,
    Entry,
    IfAbsent,
    ObjectInfo,
    ObjectStore,
    WritableStore,
    read_chunks,
)
from fsspeckit_lib.core.open_files import ObjectReader, ObjectWriterFile, read_parts
from fsspeckit_lib.errors import (
    AlreadyExists,
    BadInput,
    GatewayError,
    IsADirectory,
    NotADirectory,
    NotFound,
    ReadOnly,
    Unsupported,
)

__all__ = ["AbstractFileSystem", "Place", "fsspec_errors"]

T = TypeVar("T")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)(?:://|::)")
_THREADS = 16
"""Files read at once by `cat` of many: enough to hide the latency of small ones."""
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """What a path means: `key` in `store`; the store's entries are shown as `prefix/entry.key`."""

    store: ObjectStore
    prefix: str
    key: str

    def name(self, key: str) -> str:
        """Return the path under which the store's `key` is shown."""
        return "/".join(part for part in (self.prefix, key) if part)


class NoTransaction(Transaction):
    """Refuses to begin: a file here appears when it is closed, and what was replaced cannot be brought back."""

    def start(self) -> None:
        """Raise Unsupported."""
        raise Unsupported(
            f"{type(self.fs).__name__}: transactions are not served; each file appears whole at close, or not at all "
            "if its block raises; write without fs.transaction"
        )


class AbstractFileSystem(BoundedCopies):
    """A filesystem whose bytes move through `ObjectStore`s.

    Errors are the built-in ones where a caller expects them (FileNotFoundError, PermissionError, IsADirectoryError,
    NotADirectoryError, FileExistsError, TimeoutError, ConnectionError), raised from the gateway's, which carry the
    words. Nothing is cached here: what `ls` says was asked now.
    """

    protocol: str | tuple[str, ...] = "abstract"
    root_marker = ""
    transaction_type = NoTransaction
    cachable = False  # instances would be kept, with their secrets, for the life of the process

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, skip_instance_cache=True, use_listings_cache=False, **kwargs)

    def start_transaction(self) -> Any:
        """Refuse: see `NoTransaction`."""
        self.transaction.start()

    @abstractmethod
    def _place(self, path: str) -> Place:
        """Return what `path` (without scheme and outer slashes) means."""

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        text = os.fspath(path)
        names = (cls.protocol,) if isinstance(cls.protocol, str) else cls.protocol
        match = _SCHEME.match(text)
        if match is not None and match.group(0).endswith("://"):
            if match.group(1).lower() not in names:
                raise BadInput(
                    f"{names[0]}: found a path of {match.group(1)}://, wanted {names[0]}://… or a path without scheme; "
                    f"open the other with filesystem({match.group(0)!r}…)"
                )
            text = text[match.end() :]
        return text.strip("/")

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a folder, or the one entry of a file."""
        place = self._at(path)
        with fsspec_errors():
            try:
                entries = [entry for page in place.store.list_directory(place.key) for entry in page]
            except (NotFound, NotADirectory):
                entries = [place.store.stat(place.key)]
            if not entries and place.key and isinstance(entry := place.store.stat(place.key), ObjectInfo):
                entries = [entry]
        found = [_described(place, entry) for entry in sorted(entries, key=lambda entry: entry.key)]
        return found if detail else sorted({entry["name"] for entry in found})

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Describe a file or folder: name, size, type, ETag, mtime (UTC)."""
        place = self._at(path)
        with fsspec_errors():
            return _described(place, place.store.stat(place.key))

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Tell whether there is a file or folder. An unreachable storage raises: it is not a file that is gone."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def isdir(self, path: str) -> bool:
        """Tell whether there is a folder."""
        return self._type(path) == "directory"

    def isfile(self, path: str) -> bool:
        """Tell whether there is a file."""
        return self._type(path) == "file"

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """Return every file below `path`, from one recursive listing."""
        if maxdepth is not None or withdirs:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **kwargs)
        place = self._at(path)
        with fsspec_errors():
            infos: list[ObjectInfo] = []
            with contextlib.suppress(NotFound, NotADirectory):
                infos = [info for page in place.store.list_recursive(place.key) for info in page]
            if not infos and place.key:
                with contextlib.suppress(NotFound):
                    entry = place.store.stat(place.key)
                    infos = [entry] if isinstance(entry, ObjectInfo) else []
        found = {place.name(info.key): _described(place, info) for info in sorted(infos, key=lambda info: info.key)}
        return found if detail else list(found)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Return the bytes [start, end) of a file; negative positions count from its end."""
        place = self._at(path)
        with fsspec_errors():
            if start is None and end is None:
                return bytes(memoryview(place.store.get(place.key)[1]))
            return _read_slice(place.store, self._file(place), start, end)

    def cat(self, path: str | list[str], recursive: bool = False, on_error: str = "raise", **kwargs: Any) -> Any:
        """Return the bytes of one file, or of several by path, fetched in parallel."""
        if isinstance(path, str) and not recursive and "*" not in path:
            return self.cat_file(path, **kwargs)
        if recursive or isinstance(path, str):
            paths = self.expand_path(path, recursive=recursive)
        else:
            paths = path  # literally: a name may have brackets

        def fetch(one: str) -> Any:
            try:
                return self.cat_file(one, **kwargs)
            except (OSError, GatewayError) as error:
                if on_error == "raise":
                    raise
                return error

        files = [one for one in paths if not (recursive and self.isdir(one))]
        found = dict(zip(files, _in_parallel(fetch, files), strict=True))
        if on_error == "omit":
            return {one: data for one, data in found.items() if not isinstance(data, Exception)}
        return found

    def cat_ranges(
        self,
        paths: list[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Return many ranges of files, fetched in parallel; each file is looked up once. `max_gap` changes nothing."""
        starts = starts if isinstance(starts, list | tuple) else [starts] * len(paths)
        ends = ends if isinstance(ends, list | tuple) else [ends] * len(paths)
        if not len(paths) == len(starts) == len(ends):
            raise ValueError(f"cat_ranges: found {len(paths)} paths, {len(starts)} starts and {len(ends)} ends")
        unique = list(dict.fromkeys(paths))

        def look_up(path: str) -> Any:
            try:
                place = self._at(path)
                with fsspec_errors():
                    return place, self._file(place)
            except (OSError, GatewayError) as error:
                return error

        known = dict(zip(unique, _in_parallel(look_up, unique), strict=True))

        def fetch(wanted: tuple[str, int | None, int | None]) -> Any:
            found = known[wanted[0]]
            if isinstance(found, Exception):
                return found
            place, info = found
            try:
                with fsspec_errors():
                    return _read_slice(place.store, info, *wanted[1:])
            except (OSError, GatewayError) as error:
                return error

        results = _in_parallel(fetch, list(zip(paths, starts, ends, strict=True)))
        if on_error != "return":
            for result in results:
                if isinstance(result, Exception):
                    raise result
        return results

    def get_file(
        self,
        rpath: str,
        lpath: Any = None,
        callback: Any = DEFAULT_CALLBACK,
        outfile: Any = None,
        below: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Download a file in parallel parts; the local file appears whole or not at all.

        With `below`, a link to a folder between it and the file is an error.
        """
        place = self._at(rpath)
        with fsspec_errors():
            entry = place.store.stat(place.key)
            if isinstance(entry, DirectoryInfo):
                if outfile is None:
                    os.makedirs(lpath, exist_ok=True)
                return
            if outfile is None:
                if below is not None:
                    refuse_links(os.path.abspath(below), os.path.abspath(lpath))
                os.makedirs(os.path.dirname(os.path.abspath(lpath)), exist_ok=True)
            callback.set_size(entry.size_bytes)
            if outfile is not None:
                for chunk in read_chunks(place.store, entry, 0, entry.size_bytes):
                    outfile.write(chunk)
                    callback.relative_update(memoryview(chunk).nbytes)
                return
            read_parts(place.store, entry, os.fspath(lpath), callback.relative_update)

    def put_file(
        self,
        lpath: Any,
        rpath: str,
        callback: Any = DEFAULT_CALLBACK,
        mode: str = "overwrite",
        below: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Upload a local file in parallel parts."""
        self._refuse_links(below, rpath)
        if os.path.isdir(lpath):
            self.makedirs(rpath, exist_ok=True)
            return
        with open(lpath, "rb") as file:
            callback.set_size(os.fstat(file.fileno()).st_size)
            with self._open(rpath, "xb" if mode == "create" else "wb") as target:
                while chunk := file.read(_CHUNK_BYTES):
                    target.write(chunk)
                    callback.relative_update(len(chunk))

    def pipe_file(self, path: str, value: Any, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write a whole file; `mode="create"` refuses to replace one."""
        place, store = self._writable(path)
        with fsspec_errors():
            store.put(place.key, value, only=IfAbsent() if mode == "create" else None)

    def cp_file(self, path1: str, path2: str, below: str | None = None, **kwargs: Any) -> None:
        """Copy a file: on the server's side within one store, else streamed. Of a folder there is nothing to copy."""
        source = self._at(path1)
        if not source.key:
            return
        target, store = self._writable(path2)
        self._refuse_links(below, path2)
        with fsspec_errors():
            if source.store is target.store:
                try:
                    store.copy(source.key, target.key)
                except (NotFound, IsADirectory):
                    if not isinstance(source.store.stat(source.key), DirectoryInfo):
                        raise
                return
            info = source.store.stat(source.key)
            if isinstance(info, DirectoryInfo):
                return
            with self._open(path2, "wb") as file:
                for chunk in read_chunks(source.store, info, 0, info.size_bytes):
                    file.write(chunk)

    def rm_file(self, path: str) -> None:
        """Delete one file.

        Raises:
            FileNotFoundError: there is none.
        """
        place, store = self._writable(path)
        with fsspec_errors():
            self._file(place)
            store.delete([place.key])

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, or with `recursive` everything below, in batches."""
        paths = [path] if isinstance(path, str) else path
        for one in [name for given in paths for name in self._deleted_by(given)]:
            place, store = self._writable(one)
            if not recursive:
                with fsspec_errors():
                    self._file(place)
                    store.delete([place.key])
                continue
            delete_tree = getattr(store, "delete_tree", None)
            if delete_tree is not None and maxdepth is None and self.isdir(one):
                with fsspec_errors():
                    delete_tree(place.key)  # its folders are real, and go too
                continue
            names = self.find(one, maxdepth=maxdepth)
            with fsspec_errors():
                if not names:
                    store.stat(place.key)  # NotFound where there is nothing
                store.delete([self._at(name).key for name in names])

    def _deleted_by(self, path: str) -> list[str]:
        """Return what a path means where something is deleted: itself if it is there, else what its `*` match."""
        if "*" not in path or self.exists(path):
            return [path]
        found: list[str] = self.expand_path(path)
        return found

    def created(self, path: str) -> datetime.datetime:
        """Return the time of the last write: object storages keep no other."""
        return self.modified(path)

    def modified(self, path: str) -> datetime.datetime:
        """Return the time of the last write, in UTC."""
        found: datetime.datetime = self.info(path)["mtime"]
        return found

    def checksum(self, path: str) -> int:
        """Return a number that changes when the file does: of its ETag and size."""
        entry = self.info(path)
        return int.from_bytes(fsspec.utils.tokenize(entry.get("ETag"), entry["size"]).encode()[:8], "big")

    def ukey(self, path: str) -> str:
        """Return a text that changes when the file does."""
        entry = self.info(path)
        return str(fsspec.utils.tokenize(entry["name"], entry.get("ETag"), entry["size"], str(entry.get("mtime"))))

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Do nothing: folders are prefixes of keys. The root of a store is made with the provider's own tools."""
        place = self._at(path)
        if not place.key:
            raise Unsupported(f"{place.store.url}: buckets are not created here; use the provider's own tool")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: see `mkdir`."""

    def touch(self, path: str, truncate: bool = True, **kwargs: Any) -> None:
        """Write an empty file; without `truncate` an existing one is left as it is."""
        if truncate or not self.exists(path):
            self.pipe_file(path, b"")

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        autocommit: bool = True,
        cache_options: Any = None,
        **kwargs: Any,
    ) -> Any:
        place = self._at(path)
        if mode == "rb":
            with fsspec_errors():
                info = self._file(place)
            size = block_size if isinstance(block_size, int) else 5 << 20
            return ObjectReader(self, path, place.store, info, size, cache_options=cache_options, **kwargs)
        if mode in {"wb", "xb"}:
            place, store = self._writable(path)
            with fsspec_errors():
                if mode == "xb" and self.exists(path):
                    raise AlreadyExists(f"{store.url}/{place.key}: it exists already")
                return ObjectWriterFile(
                    store.open_writer(place.key, only=IfAbsent() if mode == "xb" else None), fsspec_errors
                )
        raise Unsupported(
            f"{place.store.url}/{place.key}: found mode {mode!r}, wanted rb, wb or xb; "
            "an object storage cannot append or update"
        )

    def _at(self, path: str) -> Place:
        with fsspec_errors():
            return self._place(self._strip_protocol(path))

    def _writable(self, path: str) -> tuple[Place, WritableStore]:
        place = self._at(path)
        if not place.key:
            raise IsADirectoryError(f"{place.store.url}: is the root of a storage, a file below it was wanted")
        with fsspec_errors():
            return place, as_writable(place.store)

    def _file(self, place: Place) -> ObjectInfo:
        entry = place.store.stat(place.key)
        if isinstance(entry, DirectoryInfo):
            raise IsADirectory(f"{place.store.url}/{place.key}: is a folder, a file was wanted")
        return entry

    def _refuse_links(self, below: str | None, path: str) -> None:
        """Make sure that a recursive copy into the local disk goes through no link below its target."""
        if below is None:
            return
        root, target = (local_path(self, self._strip_protocol(one)) for one in (below, path))
        if root is not None and target is not None:
            with fsspec_errors():
                refuse_links(root, target)

    def _type(self, path: str) -> str:
        try:
            return str(self.info(path)["type"])
        except FileNotFoundError:
            return ""


def as_writable(store: ObjectStore) -> WritableStore:
    """Return the store as one that can be written.

    Raises:
        ReadOnly: it cannot.
    """
    if not hasattr(store, "open_writer"):
        raise ReadOnly(f"{store.url}: this storage can only be read")
    return store  # type: ignore[return-value]  # it has the methods; a runtime Protocol check costs 20 µs each


def _described(place: Place, entry: Entry) -> dict[str, Any]:
    name = place.name(entry.key)
    if isinstance(entry, DirectoryInfo):
        return {"name": name, "size": 0, "type": "directory"}
    mtime = datetime.datetime.fromtimestamp(entry.mtime_ns / 1e9, tz=datetime.UTC)
    return {"name": name, "size": entry.size_bytes, "type": "file", "ETag": entry.etag, "mtime": mtime}


def _read_slice(store: ObjectStore, info: ObjectInfo, start: int | None, end: int | None) -> bytes:
    """Return the bytes of a Python slice of an object."""
    first, last, _ = slice(start, end).indices(info.size_bytes)
    return bytes(memoryview(store.read_range(info, first, last))) if first < last else b""


def _in_parallel(func: Callable[[Any], T], items: list[Any]) -> list[T]:
    if len(items) < 2:
        return [func(item) for item in items]
    with ThreadPoolExecutor(min(_THREADS, len(items)), thread_name_prefix="fsspeckit-cat") as pool:
        return list(pool.map(func, items))
