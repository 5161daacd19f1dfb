"""Make one folder of any fsspec filesystem like another: `sync_dir`.

Two files count as equal if their sizes are equal, and
1. where both storages give an ETag or MD5 of the same kind (MD5, or a hash of 40 or 64 digits): these are equal;
2. else with `checksum=True`: both are read, and their SHA-256 is equal;
3. else: the destination's modification time is known and not older than the source's.
The ETags of an S3 multipart upload prove equality when they are equal, and nothing when they differ (parts may differ).

Order: everything is listed, then copied, and only when every copy succeeded is anything deleted. A listing that fails
fails the whole: what could not be listed is never taken for absent.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from stat import S_ISREG
from typing import Any

import click
import fsspec

from fsspeckit_lib.common.parallel import iter_parallel
from fsspeckit_lib.common.progress import progress_bar
from fsspeckit_lib.common.transfer import copy_file, identity, local_files, local_path, remove_file, unwrap
from fsspeckit_lib.common.units import format_size
from fsspeckit_lib.errors import BadInput, GatewayError, InvalidValue, NotADirectory, NotFound, Unavailable

__all__ = ["SyncIncomplete", "SyncResult", "sync_dir"]

_THREADS = 8
_CHUNK_BYTES = 4 << 20
_SHOWN_FAILURES = 3
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_MULTIPART = re.compile(r"[0-9a-f]{32}-\d+")


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What `sync_dir` did, or with `dry_run` would do. Keys are relative to both folders, sorted.

    Attributes:
        skipped: keys that were equal already.
        bytes: copied.
        failed: keys with the words of their errors.
        not_regular: keys that were left out: links to nowhere, pipes, sockets, devices. They are no failure, and
            what has their name at the destination is kept.
    """

    copied: tuple[str, ...]
    skipped: tuple[str, ...]
    deleted: tuple[str, ...]
    bytes: int
    failed: tuple[tuple[str, str], ...]
    not_regular: tuple[str, ...]
    dry_run: bool

    def __str__(self) -> str:
        would = "would have " if self.dry_run else ""
        text = (
            f"{would}copied {len(self.copied)} files ({format_size(self.bytes)}), "
            f"skipped {len(self.skipped)}, deleted {len(self.deleted)}"
        )
        return f"{text}, failed {len(self.failed)}" if self.failed else text


class SyncIncomplete(Unavailable):
    """Some files could not be copied or deleted; the others were. `result` says which."""

    kind = "sync-incomplete"

    def __init__(self, result: SyncResult) -> None:
        super().__init__(result)
        self.result = result

    def __str__(self) -> str:
        shown = "; ".join(f"{key}: {words}" for key, words in self.result.failed[:_SHOWN_FAILURES])
        more = len(self.result.failed) - _SHOWN_FAILURES
        others = f"; and {more} more" if more > 0 else ""
        text = (
            f"sync: {len(self.result.failed)} files failed ({shown}{others}); {self.result}; see to these, then run it "
            "again: what is done is skipped"
        )
        return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size_bytes: int | None
    tag: str | None
    mtime_s: float | None
    is_regular: bool = True


def sync_dir(
    src_fs: fsspec.AbstractFileSystem,
    dst_fs: fsspec.AbstractFileSystem,
    src_path: str = "",
    dst_path: str = "",
    *,
    delete: bool = False,
    checksum: bool = False,
    progress: bool = True,
    max_workers: int | None = None,
    dry_run: bool = False,
) -> SyncResult:
    """Copy what differs from one folder into another; each file appears whole or not at all.

    Args:
        src_fs, dst_fs: any filesystems of fsspec. Within one storage files are copied on the server's side.
        delete: remove files of the destination that the source has not; not if any copy failed.
        checksum: read files whose ETags cannot be compared, rather than trust modification times.
        progress: show a bar if stderr is a terminal, say there what is left out, and print one line at the end.
        max_workers: files at once; 8 by default.
        dry_run: change nothing.

    Raises:
        NotFound: there is no folder at the source. The destination is untouched, also with `delete`.
        NotADirectory: the source is a file.
        BadInput: one folder is the other, or lies in it.
        SyncIncomplete: single files failed; names the first, has the result.

    Links to folders are not followed; a link to a file is copied as that file. Empty folders are not copied.
    In a local destination a link that stands where a folder should be fails the files below it: neither it nor what it
    leads to is touched. The destination itself may be a link.
    """
    if max_workers is not None and max_workers < 1:
        raise InvalidValue(f"sync_dir: found max_workers={max_workers}, wanted at least 1")
    source_fs, source = unwrap(src_fs, src_path)
    target_fs, target = unwrap(dst_fs, dst_path)
    places = identity(source_fs, source), identity(target_fs, target)
    _refuse_overlap(*places, _shown(source_fs, source), _shown(target_fs, target))
    _check_source(source_fs, source)
    wanted = dict(_files(source_fs, source))
    odd = sorted(key for key, found in wanted.items() if not found.is_regular)
    for key in odd:
        del wanted[key]
        if progress:
            click.echo(f'skipping non-regular file "{key}"', err=True)
    present = dict(_files(target_fs, target)) if _is_there(target_fs, target) else {}
    total = sum(found.size_bytes or 0 for found in wanted.values())
    copied: list[str] = []
    skipped: list[str] = []
    failed: list[tuple[str, str]] = []
    done_bytes = 0
    with progress_bar(total, f"{len(wanted)} files, {format_size(total)}", shown=progress) as advance:

        def bring(key: str) -> int | None:
            """Return the bytes copied, or None where the files were equal."""
            if any(part in {"", ".", ".."} for part in key.split("/")):
                raise BadInput(f"{key}: no file elsewhere can have this name")
            found = wanted[key]
            old = present.get(key)
            if old is not None and old.is_regular and _is_equal(source_fs, found, target_fs, old, checksum):
                advance(found.size_bytes or 0)
                return None
            if dry_run:
                return found.size_bytes or 0
            return copy_file(
                source_fs, found.path, target_fs, _join(target, key), found.size_bytes, advance, below=target
            )

        keys = sorted(wanted)
        # one connection of paramiko or ftplib takes one request at a time; threads that share it wait for ever
        alone = {"sftp", "ssh", "ftp"} & {*_protocols(source_fs), *_protocols(target_fs)}
        workers = 1 if alone else max_workers or _THREADS
        results = iter_parallel(bring, keys, max_workers=workers, on_error="collect")
        for key, outcome in zip(keys, results, strict=True):
            if isinstance(outcome, Exception):
                failed.append((key, _words(outcome)))
            elif outcome is None:
                skipped.append(key)
            else:
                copied.append(key)
                done_bytes += outcome
    extra = sorted(present.keys() - wanted.keys() - set(odd)) if delete and not failed else []
    deleted = []
    for key in extra:
        try:
            if not dry_run:
                remove_file(target_fs, present[key].path, target)
            deleted.append(key)
        except (OSError, GatewayError) as error:
            failed.append((key, _words(error)))
    target_fs.invalidate_cache()
    result = SyncResult(tuple(copied), tuple(skipped), tuple(deleted), done_bytes, tuple(failed), tuple(odd), dry_run)
    if failed:
        raise SyncIncomplete(result)
    if progress:
        click.echo(str(result))
    return result


def _refuse_overlap(source: tuple[str, ...], target: tuple[str, ...], shown_source: str, shown_target: str) -> None:
    shorter = min(len(source), len(target))
    if source[:shorter] == target[:shorter]:
        raise BadInput(
            f"sync: found source {shown_source} and destination {shown_target}, which overlap; "
            "wanted two folders of which neither lies in the other"
        )


def _check_source(fs: fsspec.AbstractFileSystem, path: str) -> None:
    fs.invalidate_cache()
    try:
        if hasattr(fs, "_place") and not (place := fs._place(path)).key:
            place.store.check()  # the root of a bucket always has an `info`, whether or not the bucket is there
            return
        kind = fs.info(path)["type"]
    except (FileNotFoundError, NotFound) as error:
        raise NotFound(
            f"sync: found no source folder {_shown(fs, path)}; check the spelling; the destination was left as it is"
        ) from error
    if kind != "directory":
        raise NotADirectory(
            f"sync: source {_shown(fs, path)} is a file, a folder was wanted; copy a single file with cp"
        )


def _shown(fs: fsspec.AbstractFileSystem, path: str) -> str:
    """Return a path as people write it: from the root of the disk, or with the storage's URL."""
    local = local_path(fs, path)
    if local is not None:
        return local
    if hasattr(fs, "_place"):
        place = fs._place(path)
        return f"{place.store.url}/{place.key}" if place.key else str(place.store.url)
    return path or "/"


def _is_there(fs: fsspec.AbstractFileSystem, path: str) -> bool:
    fs.invalidate_cache()
    try:
        kind = fs.info(path)["type"]
    except FileNotFoundError:
        return False
    if kind != "directory":
        raise NotADirectory(f"sync: destination {_shown(fs, path)} is a file, a folder was wanted")
    return True


def _files(fs: fsspec.AbstractFileSystem, root: str) -> Iterator[tuple[str, _File]]:
    """Yield every file below a folder with its relative key. Unlike fsspec's `find`, an error is an error."""
    folder = local_path(fs, root)
    if folder is not None:
        for key, status in local_files(folder):
            yield key, _File(_join(root, key), status.st_size, None, status.st_mtime, S_ISREG(status.st_mode))
        return
    if hasattr(fs, "_place"):
        place = fs._place(root)
        skip = len(place.key) + 1 if place.key else 0
        real_only = getattr(place.store, "real_only", list)  # an object storage's markers of empty folders left out
        for page in place.store.list_recursive(place.key):
            for entry in real_only(page):
                tag, mtime_s = _tag_of(entry.etag), entry.mtime_ns / 1e9 or None
                yield entry.key[skip:], _File(place.name(entry.key), entry.size_bytes, tag, mtime_s)
        return
    pending = [root]
    while pending:
        folder = pending.pop()
        for info in fs.ls(folder, detail=True):
            name = info["name"].rstrip("/")
            if name == folder.rstrip("/"):
                continue  # the marker object of a folder
            if info.get("islink"):
                if fs.isdir(name):
                    continue
            elif info["type"] == "directory":
                pending.append(name)
                continue
            key = name[len(root.rstrip("/")) :].lstrip("/")
            yield key, _File(name, info.get("size"), _tag(info), _mtime_s(info))


def _is_equal(
    source_fs: fsspec.AbstractFileSystem,
    source: _File,
    target_fs: fsspec.AbstractFileSystem,
    target: _File,
    checksum: bool,
) -> bool:
    if source.size_bytes is None or source.size_bytes != target.size_bytes:
        return False
    if source.tag and target.tag:
        if source.tag == target.tag:
            return True
        if len(source.tag) == len(target.tag) and "-" not in source.tag + target.tag:
            return False
    if checksum:
        return _digest(source_fs, source.path) == _digest(target_fs, target.path)
    if source.mtime_s is None or target.mtime_s is None:
        return False
    return target.mtime_s >= source.mtime_s


def _digest(fs: fsspec.AbstractFileSystem, path: str) -> bytes:
    digest = hashlib.sha256()
    with fs.open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()


def _tag(info: dict[str, Any]) -> str | None:
    """Return the hash of the content that a storage gives, or None for a tag that says nothing about content."""
    encoded = info.get("md5Hash")
    if encoded:
        try:
            return base64.b64decode(str(encoded), validate=True).hex()
        except binascii.Error:
            return None
    return _tag_of(next((info[name] for name in ("ETag", "etag") if info.get(name)), None))


def _tag_of(etag: object) -> str | None:
    text = str(etag or "").removeprefix("W/").strip('"').lower()
    return text if _HASH.fullmatch(text) or _MULTIPART.fullmatch(text) else None


def _mtime_s(info: dict[str, Any]) -> float | None:
    for name in ("mtime", "LastModified", "last_modified", "updated", "modified", "created"):
        value = info.get(name)
        if isinstance(value, str):
            try:
                value = datetime.datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, datetime.datetime):
            aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
            return aware.timestamp()
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return None


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _join(root: str, key: str) -> str:
    return f"{root.rstrip('/')}/{key}" if root else key


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
