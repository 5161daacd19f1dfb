"""Options of the local file system and of fsspec's memory: there are none, and an option is refused."""

from __future__ import annotations

from typing import ClassVar

from fsspeckit_lib.storage_options.base import BaseStorageOptions

__all__ = ["LocalStorageOptions", "MemoryStorageOptions"]


class LocalStorageOptions(BaseStorageOptions):
    """A folder of this machine."""

    protocol: str = "file"
    protocols: ClassVar[tuple[str, ...]] = ("file",)


class MemoryStorageOptions(BaseStorageOptions):
    """fsspec's process-wide memory: for tests and examples."""

    protocol: str = "memory"
    protocols: ClassVar[tuple[str, ...]] = ("memory",)
