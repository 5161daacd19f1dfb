"""Where the cache lies and how much it may take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BLOCK_BYTES", "CacheConfig"]

BLOCK_BYTES = 4096
"""The unit in which presence is kept. A page: the smallest read the kernel asks for. Part of the on-disk format."""


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
    """

    root: str
    max_size_bytes: int = 10 << 30
    min_free_bytes: int = 256 << 20
    part_bytes: int = 16 << 20
    whole_bytes: int = 256 << 10
    parallel_parts: int = 4
    lock_timeout_s: float = 120.0
