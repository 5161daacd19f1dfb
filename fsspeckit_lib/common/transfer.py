"""One file from any fsspec filesystem to any other: on the server's side where that can be, whole or not at all.

Knows fsspec's interface, and of this library's own filesystems only that a block that raises leaves the old object.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import fsspec
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from fsspeckit_lib.common.local_files import DEFAULT_MODE, LocalFile, mode_of
from fsspeckit_lib.common.local_files import remove_file as remove_local_file
from fsspeckit_lib.errors import AccessDenied, ShortRead

__all__ = [
    "TEMPORARY_SUFFIX",
    "copy_file",
    "identity",
    "is_same_storage",
    "local_files",
    "local_path",
    "remove_file",
    "unwrap",
]

_CHUNK_BYTES = 4 << 20
_OBJECT_STORAGES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
TEMPORARY_SUFFIX = ".part"


def unwrap(fs: fsspec.AbstractFileSystem, path: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return the filesystem below every DirFileSystem, and the path there."""
    while isinstance(fs, DirFileSystem):
        path, fs = fs._join(path.strip("/")), fs.fs
    return fs, str(fs._strip_protocol(path)).rstrip("/") or fs.root_marker


def is_same_storage(one: fsspec.AbstractFileSystem, other: fsspec.AbstractFileSystem) -> bool:
    """Tell whether a path means the same to both, so that one of them can copy for both."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    namespaces = [getattr(getattr(fs, "store", None), "namespace", None) for fs in (one, other)]
    if namespaces[0] is not None:
        return bool(namespaces[0] == namespaces[1])
    return bool(one == other)  # fsspec: same class, same arguments


def local_path(fs: fsspec.AbstractFileSystem, path: str) -> str | None:
    """Return where a path lies on the local disk, or None where the filesystem is another."""
    if isinstance(fs, LocalFileSystem):
        return path
    if hasattr(fs, "_place"):
        place = fs._place(path)
        if place.store.namespace[0] == "file":
            return f"{place.store.url.removeprefix('file://').rstrip('/')}/{place.key}".rstrip("/") or "/"
    return None


def local_files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file below a local folder, relative to it; links to folders are neither followed nor yielded.

    What is no regular file (a link to nowhere, a pipe, a socket, a device) comes with the status that says so.

    Raises:
        OSError: a folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise error

    for base, _, names in os.walk(folder, onerror=fail, followlinks=False):
        for name in names:
            path = os.path.join(base, name)
            try:
                status = os.stat(path)
            except FileNotFoundError:
                status = os.lstat(path)  # a dangling link: reading it fails, and says so
            yield os.path.relpath(path, folder), status


def identity(fs: fsspec.AbstractFileSystem, path: str) -> tuple[str, ...]:
    """Return the components of a path that are equal exactly where the place is the same one."""
    local = local_path(fs, path)
    if local is not None:
        return ("file", *_parts(os.path.realpath(local)))
    if hasattr(fs, "_place"):
        place = fs._place(path)
        return (*place.store.namespace, *_parts(place.key))
    return (str(fs._fs_token), *_parts(path))


def copy_file(
    source_fs: fsspec.AbstractFileSystem,
    source: str,
    target_fs: fsspec.AbstractFileSystem,
    target: str,
    size_bytes: int | None,
    on_bytes: Callable[[int], object] = lambda _: None,
    *,
    create: bool = False,
    below: str | None = None,
) -> int:
    """Copy one file and return its size. The target is the old one or the whole new one at every moment.

    Args:
        size_bytes: what the source has; None where its storage does not say.
        on_bytes: told how many more were copied.
        create: never replace: FileExistsError where the target exists. Race-free on this library's filesystems.
        below: the folder of a local target below which a link to a folder is an error; by default the target's own.

    Raises:
        ShortRead: another number of bytes came. Other errors as the filesystems raise them.

    Memory: a few MiB. To another library's object storage a file goes through a temporary one on the local disk, for
    their files publish what they have when a block raises.
    """
    place = _local_place(target_fs, target, below)
    if place is not None:
        return _copy_to_local(source_fs, source, *place, size_bytes, on_bytes, create)
    if create and target_fs.exists(target):
        raise FileExistsError(f"{target}: it exists already")
    if is_same_storage(source_fs, target_fs) and not create:
        with contextlib.suppress(NotImplementedError):  # sftp and ftp have no copy: streamed below
            target_fs.cp_file(source, target)
            on_bytes(size_bytes or 0)
            return size_bytes or 0
    if hasattr(target_fs, "_place"):
        with source_fs.open(source, "rb") as reader, target_fs.open(target, "xb" if create else "wb") as writer:
            return _pump(reader, writer, source, size_bytes, on_bytes)
    if _protocols(target_fs) & _OBJECT_STORAGES:
        with source_fs.open(source, "rb") as reader, tempfile.NamedTemporaryFile(prefix="fsspeckit-") as spool:
            count = _pump(reader, spool, source, size_bytes, on_bytes)
            spool.flush()
            target_fs.put_file(spool.name, target)
            return count
    return _through_temporary(source_fs, source, target_fs, target, size_bytes, on_bytes)


def remove_file(fs: fsspec.AbstractFileSystem, path: str, below: str) -> None:
    """Remove one file of the folder `below`; on the local disk never through a link to a folder."""
    place = _local_place(fs, path, below)
    if place is None:
        fs.rm_file(path)
    else:
        remove_local_file(*place)


def _local_place(fs: fsspec.AbstractFileSystem, path: str, below: str | None) -> tuple[str, str] | None:
    """Return a folder of the local disk and the key of `path` below it, or None where the filesystem is another.

    Raises:
        AccessDenied: a link leads out of the store.
    """
    local = local_path(fs, path)
    if local is None:
        return None
    folder = local_path(fs, below) if below is not None else None
    if folder is None or folder == local:
        folder = os.path.dirname(local)
    if hasattr(fs, "_place"):
        root = os.path.realpath(local_path(fs, "") or "/")
        if not f"{os.path.realpath(folder)}/".startswith(f"{root.rstrip('/')}/"):
            raise AccessDenied(f"{local}: leads out of {root}; nothing was written")
    return folder, os.path.relpath(local, folder)


def _copy_to_local(
    source_fs: fsspec.AbstractFileSystem,
    source: str,
    folder: str,
    key: str,
    size_bytes: int | None,
    on_bytes: Callable[[int], object],
    create: bool,
) -> int:
    local_source = local_path(source_fs, source)
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(source_fs.open(source, "rb"))  # first: what cannot be read makes no folders
        mode = DEFAULT_MODE if local_source is None else mode_of(os.stat(local_source))
        writer = stack.enter_context(LocalFile(folder, key, mode))
        if local_source is not None and hasattr(source_fs, "_place"):
            count = writer.copy_from(local_source, on_bytes)
            _check_size(source, size_bytes, count)
        else:
            count = _pump(reader, writer, source, size_bytes, on_bytes)
        if create:
            writer.link()
        else:
            writer.replace()
    return count


def _through_temporary(
    source_fs: fsspec.AbstractFileSystem,
    source: str,
    target_fs: fsspec.AbstractFileSystem,
    target: str,
    size_bytes: int | None,
    on_bytes: Callable[[int], object],
) -> int:
    parent, _, _ = target.rpartition("/")
    temporary = f"{parent}/.{uuid.uuid4().hex[:12]}{TEMPORARY_SUFFIX}" if parent or target.startswith("/") else ""
    temporary = temporary or f".{uuid.uuid4().hex[:12]}{TEMPORARY_SUFFIX}"
    if parent:
        target_fs.makedirs(parent, exist_ok=True)
    if target_fs.isdir(target):
        raise IsADirectoryError(f"{target}: is a folder, a file was to be written")
    try:
        with source_fs.open(source, "rb") as reader, target_fs.open(temporary, "wb") as writer:
            count = _pump(reader, writer, source, size_bytes, on_bytes)
        target_fs.mv(temporary, target)
        return count
    except BaseException:
        with contextlib.suppress(Exception):
            target_fs.rm_file(temporary)
        raise


def _pump(reader: Any, writer: Any, name: str, size_bytes: int | None, on_bytes: Callable[[int], object]) -> int:
    count = 0
    while chunk := reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        count += len(chunk)
        on_bytes(len(chunk))
    _check_size(name, size_bytes, count)
    return count


def _check_size(name: str, size_bytes: int | None, count: int) -> None:
    if size_bytes is not None and count != size_bytes:
        raise ShortRead(name, 0, size_bytes, count)


def _protocols(fs: fsspec.AbstractFileSystem) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
