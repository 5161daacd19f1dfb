"""What it takes to bring one version of one object into the cache: shared by sparse and whole files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from typing_extensions import Buffer

from fsspeckit_lib.cache.config import CacheConfig
from fsspeckit_lib.cache.index import CacheIndex
from fsspeckit_lib.cache.locks import locked
from fsspeckit_lib.cache.root import local_error
from fsspeckit_lib.cache.stats import StatsCounter
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.errors import GatewayError

__all__ = ["Download"]


@dataclass(frozen=True, slots=True)
class Download:
    """One version of one object on its way, and everything around it.

    Attributes:
        pool: runs background fetches; a fetch never waits for another one in it.
        entry_id: of the object in the index.
        name: of the file under `partial/`, relative to the root; begins with a hash of id and version.
        targets: where the complete copy goes, relative to the root: the usual path, and what returns the one beside a
            folder.
        lock_descriptor: of the root's lock file.
        on_published: called with id, version and status after this process moved the complete copy into place, or put
            a sparse one down.
    """

    config: CacheConfig
    index: CacheIndex
    pool: ThreadPoolExecutor
    stats: StatsCounter
    store: ObjectStore
    info: ObjectInfo
    entry_id: bytes
    name: str
    targets: tuple[str, Callable[[], str]]
    lock_descriptor: int
    on_published: Callable[[bytes, str, os.stat_result], None]

    @property
    def who(self) -> str:
        """The object as an error names it."""
        return f"{self.store.url}/{self.info.key}"

    @property
    def path(self) -> str:
        """The file under `partial/`, absolute."""
        return f"{self.config.root}/{self.name}"

    def locked(self) -> AbstractContextManager[None]:
        """Exclude other processes that open or fetch the same version. Threads must exclude each other before."""
        slot = int(self.name.rpartition("/")[2][:15], 16)
        return locked(self.lock_descriptor, slot, slot + 1, who=self.who, timeout_s=self.config.lock_timeout_s)

    def get(self, start: int, stop: int) -> Buffer:
        """Download the bytes [start, stop), counted."""
        self.stats.add(in_flight=1)
        began = time.perf_counter()
        size_bytes = None
        try:
            data = self.store.read_range(self.info, start, stop)
            size_bytes = stop - start
            return data
        finally:
            self.stats.add_download(time.perf_counter() - began, size_bytes)

    def attempt(self, fetch: Callable[[], None]) -> GatewayError | None:
        """Run a fetch and return its failure, for the future of those who wait; None when it succeeded."""
        try:
            fetch()
        except GatewayError as error:
            return error
        except OSError as error:  # of the cache's disk: the storage raises errors of ours
            failure = local_error(error, self.config.root)
            failure.__cause__ = error
            return failure
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the future
            translated = translate(error, self.who)
            translated.__cause__ = error
            return translated
        return None
