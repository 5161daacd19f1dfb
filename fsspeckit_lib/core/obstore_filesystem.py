"""S3 as an fsspec filesystem whose bytes move in obstore (Rust).

For everything that takes an fsspec filesystem: pandas, pyarrow, DuckDB, `fsspec.open`. Paths are `bucket/key`. Writes
go out as multipart uploads and appear whole at close; a block that raises leaves the old object. There is no append
and no update in place: S3 has neither.
"""

from __future__ import annotations

import datetime
import io
from types import TracebackType
from typing import Any, Literal

import obstore
from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile
from obstore.store import ObjectStore as ObstoreStore

from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.errors import AccessDenied, AlreadyExists, IsADirectory, NotFound, Unsupported
from fsspeckit_lib.storage_options import AwsStorageOptions

__all__ = ["ObstoreFileSystem"]


class ObstoreFileSystem(AbstractFileSystem):
    """The buckets that one set of options reaches.

    Errors are fsspec's own where a caller expects them (FileNotFoundError, PermissionError, IsADirectoryError), raised
    from the gateway's, which carry the words.
    """

    protocol = ("s3", "s3a")
    root_marker = ""
    cachable = False  # instances would be kept, with their secrets, for the life of the process

    def __init__(self, options: AwsStorageOptions | None = None, **kwargs: Any) -> None:
        super().__init__(skip_instance_cache=True, **kwargs)
        self._options = options or AwsStorageOptions()
        self._buckets: dict[str, ObstoreObjects] = {}

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a folder, or the one entry of a file."""
        bucket, key = self._split(path)
        with _fsspec_errors():
            objects = self._objects(bucket)
            try:
                entries = [entry for page in objects.list_directory(key) for entry in page]
            except NotFound:
                entries = [objects.stat(key)]
        found = [self._describe(bucket, entry) for entry in sorted(entries, key=lambda entry: entry.key)]
        return found if detail else sorted({entry["name"] for entry in found})

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Describe a file or folder: name, size, type, ETag, mtime (UTC)."""
        bucket, key = self._split(path)
        with _fsspec_errors():
            return self._describe(bucket, self._objects(bucket).stat(key))

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> Any:
        """Return every file below `path`, from one recursive listing."""
        if maxdepth is not None or withdirs:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **kwargs)
        bucket, key = self._split(path)
        with _fsspec_errors():
            objects = self._objects(bucket)
            infos = [info for page in objects.list_recursive(key) for info in page]
            if not infos and key:
                try:
                    entry = objects.stat(key)
                except NotFound:
                    entry = DirectoryInfo(key)
                infos = [entry] if isinstance(entry, ObjectInfo) else []
        found = {f"{bucket}/{info.key}": self._describe(bucket, info) for info in sorted(infos, key=lambda i: i.key)}
        return found if detail else list(found)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Return the bytes [start, end) of a file; negative positions count from its end."""
        bucket, key = self._split(path)
        with _fsspec_errors():
            objects = self._objects(bucket)
            info = self._file_info(objects, key)
            first, last, _ = slice(start, end).indices(info.size_bytes)
            return bytes(memoryview(objects.read_range(info, first, last))) if first < last else b""

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write a whole file in one request (multipart when large); `mode="create"` refuses to replace one."""
        bucket, key = self._split(path)
        put_mode: Literal["create", "overwrite"] = "create" if mode == "create" else "overwrite"
        with _fsspec_errors(), translated(f"s3://{bucket}/{key}"):
            obstore.put(self._objects(bucket).native, key, value, mode=put_mode)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy a file on the server; between two buckets its bytes are streamed."""
        bucket1, key1 = self._split(path1)
        bucket2, key2 = self._split(path2)
        with _fsspec_errors(), translated(f"s3://{bucket1}/{key1}"):
            source = self._objects(bucket1).native
            if bucket1 == bucket2:
                obstore.copy(source, key1, key2)
            else:
                obstore.put(self._objects(bucket2).native, key2, obstore.get(source, key1))

    def rm_file(self, path: str) -> None:
        """Delete one file; S3 does not tell whether it was there."""
        bucket, key = self._split(path)
        with _fsspec_errors(), translated(f"s3://{bucket}/{key}"):
            obstore.delete(self._objects(bucket).native, key)

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, or with `recursive` everything below, in batches."""
        for one in [path] if isinstance(path, str) else path:
            bucket, key = self._split(one)
            with _fsspec_errors(), translated(f"s3://{bucket}/{key}"):
                native = self._objects(bucket).native
                if not recursive:
                    self._file_info(self._objects(bucket), key)
                    obstore.delete(native, key)
                    continue
                keys = [self._split(name)[1] for name in self.find(one, maxdepth=maxdepth)]
                if keys:
                    obstore.delete(native, keys)

    def created(self, path: str) -> datetime.datetime:
        """Return the time of the last write: S3 keeps no other."""
        return self.modified(path)

    def modified(self, path: str) -> datetime.datetime:
        """Return the time of the last write, in UTC."""
        found: datetime.datetime = self.info(path)["mtime"]
        return found

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Do nothing below a bucket: folders are prefixes of keys. Buckets are made with the provider's own tools."""
        if "/" not in self._strip_protocol(path):
            raise Unsupported(f"s3://{path}: buckets are not created here; use the provider's own tool")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: see `mkdir`."""

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: Any = None,
        **kwargs: Any,
    ) -> Any:
        bucket, key = self._split(path)
        if mode == "rb":
            with _fsspec_errors():
                info = self._file_info(self._objects(bucket), key)
            size = block_size if isinstance(block_size, int) else 5 << 20
            return _Reader(self, path, self._objects(bucket), info, size, cache_options=cache_options, **kwargs)
        if mode in {"wb", "xb"}:
            if mode == "xb" and self.exists(path):
                raise FileExistsError(path)
            return _Writer(self._objects(bucket).native, key)
        raise Unsupported(f"s3://{bucket}/{key}: found mode {mode!r}, wanted rb, wb or xb; S3 cannot append or update")

    def _objects(self, bucket: str) -> ObstoreObjects:
        found = self._buckets.get(bucket)
        if found is None:
            native = self._options.to_obstore(bucket)
            found = ObstoreObjects(native, f"s3://{bucket}", (self._options.namespace(), bucket))
            self._buckets[bucket] = found
        return found

    def _split(self, path: str) -> tuple[str, str]:
        bucket, _, key = str(self._strip_protocol(path)).strip("/").partition("/")
        if not bucket:
            raise Unsupported("s3://: the list of buckets is not served; name a bucket: s3://BUCKET")
        return bucket, key

    def _file_info(self, objects: ObstoreObjects, key: str) -> ObjectInfo:
        entry = objects.stat(key)
        if isinstance(entry, DirectoryInfo):
            raise IsADirectory(f"{objects.url}/{key}: is a folder, a file was wanted")
        return entry

    def _describe(self, bucket: str, entry: Entry) -> dict[str, Any]:
        name = f"{bucket}/{entry.key}" if entry.key else bucket
        if isinstance(entry, DirectoryInfo):
            return {"name": name, "size": 0, "type": "directory"}
        mtime = datetime.datetime.fromtimestamp(entry.mtime_ns / 1e9, tz=datetime.UTC)
        return {"name": name, "size": entry.size_bytes, "type": "file", "ETag": entry.etag, "mtime": mtime}


class _Reader(AbstractBufferedFile):
    """A file open for reading, pinned to the version it was opened at."""

    def __init__(
        self,
        fs: ObstoreFileSystem,
        path: str,
        objects: ObstoreObjects,
        info: ObjectInfo,
        block_size: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(fs, path, mode="rb", block_size=block_size, size=info.size_bytes, **kwargs)
        self._objects, self._info = objects, info

    def _fetch_range(self, start: int, end: int) -> bytes:
        end = min(end, self._info.size_bytes)
        return bytes(memoryview(self._objects.read_range(self._info, start, end))) if start < end else b""


class _Writer(io.RawIOBase):
    """A file open for writing: parts go out as they fill, the object appears at close."""

    def __init__(self, store: ObstoreStore, key: str) -> None:
        super().__init__()
        self._who = key
        self._writer = obstore.open_writer(store, key)
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any, /) -> int:
        count = memoryview(data).nbytes
        with translated(self._who):
            self._writer.write(data)
        self._position += count
        return count

    def discard(self) -> None:
        """End without an object."""
        super().close()

    def close(self) -> None:
        if not self.closed:
            with translated(self._who):
                self._writer.close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard() if kind is not None else self.close()


class _fsspec_errors:  # noqa: N801 - reads as a with-block
    """Give fsspec's callers the built-in errors they catch, with the gateway's as the cause."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NotFound):
            raise FileNotFoundError(str(error)) from error
        if isinstance(error, IsADirectory):
            raise IsADirectoryError(str(error)) from error
        if isinstance(error, AccessDenied):
            raise PermissionError(str(error)) from error
        if isinstance(error, AlreadyExists):
            raise FileExistsError(str(error)) from error
