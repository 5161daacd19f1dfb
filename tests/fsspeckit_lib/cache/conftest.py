"""A cache on a local folder that stands as the bucket, with a store that fails on command."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.cache import Cache, CacheConfig, CachedFile
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.testing.faults import FaultyStore


@dataclasses.dataclass
class Setting:
    """What a test works with."""

    folder: Path
    root: Path
    store: FaultyStore
    config: CacheConfig
    cache: Cache

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write a remote file and return what the storage says of it."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return self.info(key)

    def info(self, key: str) -> ObjectInfo:
        """Return what the storage says of a file now."""
        found = LocalObjects(str(self.folder)).stat(key)
        assert isinstance(found, ObjectInfo)
        return found

    def open(self, info: ObjectInfo) -> CachedFile:
        """Open through the cache."""
        return self.cache.open(self.store, info)

    def reopen(self) -> None:
        """Close the cache and open its root again, as a restart does."""
        self.cache.close()
        self.cache = Cache(self.config)

    def copy_of(self, key: str) -> Path:
        """Return where the complete copy of a key lies."""
        return self.root / "data" / Path(*self.store.namespace) / key


@pytest.fixture
def make_setting(tmp_path: Path) -> Iterator[Callable[..., Setting]]:
    made: list[Setting] = []

    def make(max_size_bytes: int = 10 << 30) -> Setting:
        folder, root = tmp_path / "bucket", tmp_path / "cache"
        folder.mkdir(exist_ok=True)
        config = CacheConfig(str(root), min_free_bytes=0, part_bytes=64 << 10, whole_bytes=16 << 10)
        config = dataclasses.replace(config, max_size_bytes=max_size_bytes)
        made.append(Setting(folder, root, FaultyStore(LocalObjects(str(folder))), config, Cache(config)))
        deadline = time.monotonic() + 30
        while made[-1].cache.index.must_sweep:  # or the first sweep takes what a test puts into the folder
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return made[-1]

    yield make
    for setting in made:
        setting.store.gate.set()
        setting.cache.close()


@pytest.fixture
def setting(make_setting: Callable[..., Setting]) -> Setting:
    return make_setting()
