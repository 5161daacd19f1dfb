"""A hypothesis machine over the cache: reads, remote changes, failures, eviction, restarts. The oracle is a dict.

Every read of a handle must give the bytes of the version it was opened at, or raise; never anything else.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from fsspeckit_lib.cache import Cache, CacheConfig, CachedFile
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import CacheStale, Unavailable
from fsspeckit_lib.testing.faults import FaultyStore

KEYS = ["a", "b", "dir/c", "dir/d e", "large"]
CAP = 400_000


class Injected(Unavailable):
    """The one failure that this test makes itself; any other one is a defect."""


class CacheMachine(RuleBasedStateMachine):
    """Two caches on one root, as two processes would have, over one remote folder."""

    handles: Bundle[tuple[CachedFile, bytes]] = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="cache-model-"))
        (self.base / "bucket").mkdir()
        self.store = FaultyStore(LocalObjects(str(self.base / "bucket")))
        self.config = CacheConfig(
            str(self.base / "cache"),
            max_size_bytes=CAP,
            min_free_bytes=0,
            part_bytes=16 << 10,
            whole_bytes=12 << 10,
            parallel_parts=2,
        )
        self.caches = [Cache(self.config), Cache(self.config)]
        self.remote: dict[str, bytes] = {}
        self.opened: list[CachedFile] = []
        self.owned: list[tuple[int, CachedFile]] = []

    @rule(
        key=st.sampled_from(KEYS), size=st.integers(0, 12_000) | st.integers(0, 200_000), seed=st.integers(0, 1 << 30)
    )
    def change(self, key: str, size: int, seed: int) -> None:
        """Replace the remote file."""
        data = random.Random(seed).randbytes(size * 3 if key == "large" else size)
        path = self.base / "bucket" / key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        self.remote[key] = data

    @rule(target=handles, key=st.sampled_from(KEYS), which=st.integers(0, 1))
    def open(self, key: str, which: int) -> tuple[CachedFile, bytes]:
        """Open the remote's present version."""
        if key not in self.remote:
            self.change(key, 5000, 1)
        info = self.store.stat(key)
        assert isinstance(info, ObjectInfo)
        file = self.caches[which].open(self.store, info)
        self.opened.append(file)
        self.owned.append((which, file))
        return file, self.remote[key]

    @rule(handle=handles, start=st.integers(0, 650_000), length=st.integers(1, 650_000))
    def read(self, handle: tuple[CachedFile, bytes], start: int, length: int) -> None:
        """Read a span; only the opened version's bytes are right."""
        file, data = handle
        if file.is_closed:
            return
        try:
            got = file.read(start, start + length)
        except CacheStale:
            assert self.remote[file.info.key] is not data
        except Injected:
            pass
        else:
            assert got == data[start : start + length]

    @rule(handle=handles)
    def fetch_all(self, handle: tuple[CachedFile, bytes]) -> None:
        """Complete a file, where it is still to be had and fits."""
        file, data = handle
        if file.is_closed:
            return
        try:
            file.fetch_all()
        except CacheStale:
            assert self.remote[file.info.key] is not data
        except Injected:
            pass
        if file.is_complete:
            assert file.read_available(0, 1 << 30) == data

    @rule(handle=handles, start=st.integers(0, 600_000))
    def prefetch(self, handle: tuple[CachedFile, bytes], start: int) -> None:
        """Start a background fetch."""
        if not handle[0].is_closed:
            handle[0].prefetch(start, start + 100_000)

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        """End one of the two, its handles first, and open it again."""
        for file in [file for owner, file in self.owned if owner == which]:
            file.close()
        self.owned = [(owner, file) for owner, file in self.owned if owner != which]
        self.caches[which].close()
        self.caches[which] = Cache(self.config)

    @rule(key=st.sampled_from(KEYS), which=st.integers(0, 1))
    def evict(self, key: str, which: int) -> None:
        """Remove a copy, whoever has it open."""
        self.caches[which].bind(self.store).evict(key)

    @rule(count=st.integers(1, 3))
    def fail(self, count: int) -> None:
        """Let the next downloads fail."""
        self.store.fail_reads = [Injected("injected")] * count

    @rule(handle=consumes(handles))
    def close(self, handle: tuple[CachedFile, bytes]) -> None:
        """Close a handle."""
        handle[0].close()

    @invariant()
    def the_cap_holds(self) -> None:
        """What the index charges never passes the cap."""
        assert self.caches[0].used_bytes() <= CAP

    @invariant()
    def published_files_are_whole(self) -> None:
        """Every file under data/ is some version that its key had: here the size tells it from a torn one."""
        folder = self.base / "cache" / "data" / Path(*self.store.namespace)
        for key, data in self.remote.items():
            copy = folder / key
            info = self.store.stat(key)
            assert isinstance(info, ObjectInfo)
            if self.caches[0].complete_path(self.store, info) == str(copy):
                assert copy.read_bytes() == data

    def teardown(self) -> None:
        for file in self.opened:
            file.close()
        for cache in self.caches:
            cache.close()
        shutil.rmtree(self.base)


CacheMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCacheMachine = CacheMachine.TestCase
