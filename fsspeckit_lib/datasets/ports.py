"""What a dataset asks of the cache: to read ranges of a file. `fsspeckit_lib.cache.StorageCache` satisfies it."""

from __future__ import annotations

from typing import Protocol

from fsspeckit_lib.core.objects import ObjectInfo

__all__ = ["OpenFile", "StorageFiles"]


class OpenFile(Protocol):
    """One open handle on one version of one file."""

    def read(self, start: int, stop: int) -> bytes: ...

    def close(self) -> None: ...


class StorageFiles(Protocol):
    """The files of one storage, through a cache."""

    def open(self, info: ObjectInfo) -> OpenFile: ...
