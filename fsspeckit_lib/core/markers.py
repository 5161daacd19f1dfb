"""Markers: the empty objects `a/b/` by which object storages keep an empty folder.

obstore gives them without their slash, so in a listing of all keys the marker of folder `a/b` and an empty object `a/b`
look alike. Where something lies below it, it was a marker (or an object that the folder hides); else only a question
about `a/b` itself tells.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore

__all__ = ["HasMarkers", "real_files", "without_markers"]


@runtime_checkable
class HasMarkers(Protocol):
    """A store whose `list_recursive` may yield the markers of empty folders."""

    def real_only(self, objects: Sequence[ObjectInfo]) -> list[ObjectInfo]:
        """Return the objects that are none. One request for each empty object."""
        ...


def real_files(store: ObjectStore, page: Sequence[ObjectInfo]) -> Sequence[ObjectInfo]:
    """Return what can be read of a page of `list_recursive`: an object storage's empty folders are left out."""
    return store.real_only(page) if isinstance(store, HasMarkers) else page


def without_markers(page: Sequence[ObjectInfo], root: str = "") -> list[ObjectInfo]:
    """Return a page of a listing without the markers that show as such: of the root, and before what lies below them.

    `root` is the key that was listed. In the order of S3's keys, what lies below a marker follows it at once.
    """
    following = itertools.chain((info.key for info in page[1:]), [""])
    return [
        info
        for info, after in zip(page, following, strict=False)
        if info.key != root and (info.size_bytes or not after.startswith(f"{info.key}/"))
    ]
