"""Files of the root that no row claims: left by a crash, another format, or a copied folder. They go.

A file may only be about to get its row: its coming into place and its row are one transaction, so the look and the
unlink are one too. Folders that are empty afterwards go as well.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from fsspeckit_lib.cache.index import CacheIndex
from fsspeckit_lib.cache.locks import is_held_elsewhere
from fsspeckit_lib.cache.mapper import FileNameCacheMapper

__all__ = ["remove_orphaned_copies", "remove_orphaned_parts"]

_BATCH_FILES = 500


def remove_orphaned_parts(root: str, index: CacheIndex) -> int:
    """Unlink files under `partial/` that no row claims and no process has open; return how many."""
    folder = f"{root}/partial"
    names = os.listdir(folder)  # before the rows: a row is there before its file
    claimed = index.partial_paths() if names else {}
    removed = 0
    for name in names:
        stem = name.removesuffix(".map")
        if f"partial/{stem}" not in claimed and not is_held_elsewhere(f"{folder}/{stem}.map"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{folder}/{name}")
                removed += 1
    return removed


def remove_orphaned_copies(
    root: str, index: CacheIndex, mapper: FileNameCacheMapper, should_stop: Callable[[], bool] = lambda: False
) -> tuple[int, int]:
    """Unlink files under `data/` that no row claims; return how many, and their bytes."""
    removed, freed = 0, 0
    batch: list[str] = []
    for path in _files(f"{root}/data", root):
        if should_stop():
            return removed, freed
        batch.append(path)
        if len(batch) >= _BATCH_FILES:
            count, size = _remove(root, index, mapper, batch)
            removed, freed, batch = removed + count, freed + size, []
    count, size = _remove(root, index, mapper, batch)
    _remove_empty_folders(root, index)
    return removed + count, freed + size


def _remove(root: str, index: CacheIndex, mapper: FileNameCacheMapper, paths: list[str]) -> tuple[int, int]:
    if not paths:
        return 0, 0
    ids = {path: _id_of(mapper, path) for path in paths}
    freed = 0
    with index.unclaimed(ids) as orphans:
        for path in orphans:
            with contextlib.suppress(FileNotFoundError):
                freed += os.lstat(f"{root}/{path}").st_size
                os.unlink(f"{root}/{path}")
    return len(orphans), freed


def _remove_empty_folders(root: str, index: CacheIndex) -> None:
    with index.unclaimed({}):  # nobody makes a folder for its file meanwhile
        for folder, _, _ in os.walk(f"{root}/data", topdown=False):
            if folder != f"{root}/data":
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


def _id_of(mapper: FileNameCacheMapper, path: str) -> bytes | None:
    try:
        key = mapper.key_of((), path)
    except ValueError:
        return None
    return None if key is None else key.encode(errors="surrogatepass")


def _files(folder: str, root: str) -> Iterator[str]:
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as children:
                for child in children:
                    if child.is_dir(follow_symlinks=False):
                        pending.append(child.path)
                    else:
                        yield child.path[len(root) + 1 :]
        except FileNotFoundError:
            continue
