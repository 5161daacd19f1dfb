"""Comparing what the cache claims with what the storage holds.

An ETag of 32 hexadecimal digits is the MD5 of an object that was written in one piece (S3 and what speaks its protocol;
the exceptions, such as encryption with a key of AWS, show as a mismatch, and are then read again before anything is
said of them). Every other object, and every sparse copy, is compared with its bytes, read again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fsspeckit_lib.cache import blocks
from fsspeckit_lib.cache.config import BLOCK_BYTES
from fsspeckit_lib.cache.index import Row
from fsspeckit_lib.cache.presence import PresenceMap
from fsspeckit_lib.cache.storage import StorageCache
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import CacheStale, GatewayError, NotFound

__all__ = ["Finding", "verify"]

_MD5 = re.compile(r'"?([0-9a-f]{32})"?\Z')
_PART_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one copy.

    Attributes:
        state: `right`; `wrong`: claimed bytes differ; `changed`: the file is not what was published; `outdated` and
            `gone`: the storage has another version, or nothing, by now; `unknown`: it could not be found out.
        how: `md5`, `bytes`, or why not.
    """

    key: str
    state: Literal["right", "wrong", "changed", "outdated", "gone", "unknown"]
    size_bytes: int
    how: str


def verify(storage: StorageCache, key: str = "", *, repair: bool = False) -> Iterator[Finding]:
    """Check every copy at and below a key against the storage.

    Args:
        repair: remove copies that are wrong or were changed, so that they are fetched again, and what is out of date.
    """
    for found, row, _, _ in list(storage.entries(key)):
        finding = _check(storage, found, row)
        if repair and finding.state not in {"right", "unknown"}:
            storage.cache.discard(storage.store, found, row)
        yield finding


def _check(storage: StorageCache, key: str, row: Row) -> Finding:
    path = f"{storage.cache.config.root}/{row.path}"
    if row.complete:
        try:
            status = os.lstat(path)
        except OSError as error:
            return Finding(key, "changed", row.size_bytes, error.strerror or "cannot be read")
        if not row.is_file(status):
            return Finding(key, "changed", row.size_bytes, "size, time or inode")
    try:
        entry = storage.store.stat(key)
        if not isinstance(entry, ObjectInfo):
            return Finding(key, "gone", row.size_bytes, "a directory lies there")
        if entry.version != row.version:
            return Finding(key, "outdated", row.size_bytes, f"the storage has {entry.version}")
        return _compare(storage, key, row, entry, path)
    except NotFound:
        return Finding(key, "gone", row.size_bytes, "not found in the storage")
    except CacheStale as error:
        return Finding(key, "outdated", row.size_bytes, str(error))
    except (GatewayError, OSError) as error:
        return Finding(key, "unknown", row.size_bytes, str(error))


def _compare(storage: StorageCache, key: str, row: Row, info: ObjectInfo, path: str) -> Finding:
    digest = _MD5.match(info.etag or "")
    with open(path, "rb") as file:
        if row.complete and digest is not None:
            found = hashlib.md5(usedforsecurity=False)
            while chunk := file.read(_PART_BYTES):
                found.update(chunk)
            if found.hexdigest() == digest.group(1):
                return Finding(key, "right", row.size_bytes, "md5")
        checked = 0
        for start, stop in _claimed(row, info, path):
            remote = memoryview(storage.store.read_range(info, start, stop))
            if os.pread(file.fileno(), stop - start, start) != remote:
                return Finding(key, "wrong", row.size_bytes, f"bytes between {start} and {stop}")
            checked += stop - start
    return Finding(key, "right", checked, "bytes")


def _claimed(row: Row, info: ObjectInfo, path: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of bytes that are claimed to be here, in parts."""
    spans = [(0, info.size_bytes)]
    if not row.complete:
        count = blocks.count_blocks(info.size_bytes)
        with open(f"{path}.map", "rb") as file:
            missing = PresenceMap(file.fileno(), count).gaps((0, count))
        spans = [
            (start * BLOCK_BYTES, min(stop * BLOCK_BYTES, info.size_bytes))
            for start, stop in blocks.subtract((0, count), missing)
        ]
    for start, stop in spans:
        for position in range(start, stop, _PART_BYTES):
            yield position, min(position + _PART_BYTES, stop)
