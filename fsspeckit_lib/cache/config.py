"""Where the cache lies, how much it may take, and how long it believes what it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BLOCK_BYTES", "CacheConfig", "Quota", "WhenOffline"]

BLOCK_BYTES = 4096
"""The unit in which presence is kept. A page: the smallest read the kernel asks for. Part of the on-disk format."""

WhenOffline = Literal["fail", "serve-stale"]


@dataclass(frozen=True, slots=True)
class Quota:
    """Most bytes of one storage, or of one folder of it.

    Attributes:
        namespace: of the store that is rooted there; what lies below counts.
        name: as the person wrote it, for errors and `status`.
    """

    namespace: tuple[str, ...]
    max_size_bytes: int
    name: str


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """One cache root and its bounds.

    Attributes:
        root: absolute path of a folder; created when missing, mode 0700. Several processes may share it.
        max_size_bytes: cap on the bytes of all cached files together.
        min_free_bytes: space that stays free on the disk of the root.
        part_bytes: most bytes of one GET; a multiple of 4096. Large parts cost fewer copies and page faults a byte
            (cold 1 GiB on two processors: 16 MiB 0.78 of the peer, 8 MiB 0.70, 4 MiB 0.51).
        whole_bytes: files up to this size are fetched whole by their first read; at most `part_bytes`.
        parallel_parts: GETs in flight at once, over all files.
        lock_timeout_s: longest wait for another process that is fetching the same bytes.
        max_age_s: copies that nobody has used for so long are removed, pinned ones excepted; None: never.
        quotas: bounds of single storages. They belong to the root: every process keeps them; None leaves those that
            are there, a tuple replaces them.
        when_offline: what `Cache.resilient` does while the storage cannot be reached.
        attribute_ttl_s, listing_ttl_s, absence_ttl_s: how long `StorageCache.stat` and its listings believe a version,
            a listing, and that something is not there.
        retry_offline_s: how long an unreachable storage is left alone in `serve-stale` before it is asked again.
        preserve_structure: False gives every copy a hashed name in one flat folder a storage.
    """

    root: str
    max_size_bytes: int = 10 << 30
    min_free_bytes: int = 256 << 20
    part_bytes: int = 16 << 20
    whole_bytes: int = 256 << 10
    parallel_parts: int = 4
    lock_timeout_s: float = 120.0
    max_age_s: float | None = None
    quotas: tuple[Quota, ...] | None = None
    when_offline: WhenOffline = "fail"
    attribute_ttl_s: float = 1.0
    listing_ttl_s: float = 30.0
    absence_ttl_s: float = 1.0
    retry_offline_s: float = 5.0
    preserve_structure: bool = True
