"""One opened store as an fsspec filesystem, rooted where the store is: paths are its keys."""

from __future__ import annotations

from typing import Any

from fsspeckit_lib.core.abstract_filesystem import AbstractFileSystem, Place
from fsspeckit_lib.core.objects import ObjectStore

__all__ = ["StoreFileSystem"]


class StoreFileSystem(AbstractFileSystem):
    """For storages that are one tree: a web server's folder, a plugin's store, a store behind the cache."""

    def __init__(self, store: ObjectStore, **kwargs: Any) -> None:
        super().__init__(store, **kwargs)
        self.store = store

    def _place(self, path: str) -> Place:
        return Place(self.store, "", path)
