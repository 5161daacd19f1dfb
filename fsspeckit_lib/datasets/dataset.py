"""A dataset under an object store: lists its files, reads their footers, keeps one manifest fresh.

A manifest is believed for `ttl_s`; after that one listing tells which files are new, changed or gone (by
`ObjectInfo.version`), and only their footers are read; after a restart too, where footers are kept. Several threads may
ask at once: one works, the others wait, and each may give up on its own (`checkpoint`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import TypeAlias

from fsspeckit_lib.common.waiting import POLL_S, wait_for
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.datasets.discovery import require_files
from fsspeckit_lib.datasets.footers import Footer, SchemaPool, read_footer
from fsspeckit_lib.datasets.kept_footers import KeptFooters
from fsspeckit_lib.datasets.manifest import Manifest, Partitioning, build_manifest
from fsspeckit_lib.datasets.ports import StorageFiles
from fsspeckit_lib.errors import CacheStale, Cancelled, Conflict, GatewayError, NotFound

__all__ = ["Checkpoint", "Dataset", "no_checkpoint"]

Checkpoint = Callable[[], None]
"""Called now and then during long work; raises when the caller does not want the answer any more."""

_logger = logging.getLogger(__name__)
_LIST_ATTEMPTS = 3
_Listing: TypeAlias = tuple[float, Future[list[ObjectInfo]]]  # when it began, and what it will find


def no_checkpoint() -> None:
    """Never give up."""


class Dataset:
    """The parquet files below the root of one store, as one table."""

    def __init__(
        self,
        name: str,
        store: ObjectStore,
        files: StorageFiles,
        executor: Executor,
        *,
        partitioning: Partitioning = "auto",
        ttl_s: float = 30.0,
        kept: KeptFooters | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe a dataset; no I/O.

        Args:
            name: of the table, for errors.
            store: rooted at the dataset's folder.
            files: the same store through the cache.
            executor: threads that read footers in parallel.
            kept: where footers outlive the process; None keeps none.
        """
        self.name, self.store, self.files = name, store, files
        self._executor, self._partitioning, self._ttl_s, self._clock = executor, partitioning, ttl_s, clock
        self._pool, self._kept = SchemaPool(), kept
        self._lock = threading.Lock()  # guards all that follows
        self._infos: list[ObjectInfo] | None = None
        self._listed_at = -float("inf")
        self._manifest: Manifest | None = None
        self._preview: Manifest | None = None
        self._listing: _Listing | None = None

    def open(self) -> None:
        """List the files.

        Raises:
            NotFound: no parquet file, or no such bucket.
            AccessDenied, Unavailable: the storage's word.
        """
        with self._lock:
            self._list()

    def manifest(self, *, checkpoint: Checkpoint = no_checkpoint, is_fresh: bool = False) -> Manifest:
        """Return the manifest, not older than the TTL.

        Args:
            checkpoint: called while waiting.
            is_fresh: list again whatever the age, because the last manifest proved stale.
        """
        with self._held(checkpoint):
            for attempt in range(_LIST_ATTEMPTS):
                if is_fresh or attempt or self._clock() - self._listed_at >= self._ttl_s:
                    self._list_patiently(checkpoint, is_fresh=is_fresh or attempt > 0)
                assert self._infos is not None, "listed"
                if self._manifest is not None and _same_files(self._manifest, self._infos):
                    return self._manifest
                try:
                    self._manifest = self._build(self._infos, checkpoint)
                except (CacheStale, NotFound) as error:
                    if attempt == _LIST_ATTEMPTS - 1:
                        raise Conflict(
                            f"{self.name}: its files changed {_LIST_ATTEMPTS} times while their footers were read;"
                            f" try again later ({error})"
                        ) from error
                    _logger.info("%s changed while its footers were read; listing it again", self.name)
                    continue
                self._preview = None
                return self._manifest
        raise AssertionError("the last attempt returns or raises")

    def preview(self) -> Manifest:
        """Return the manifest if there is one, of any age; else one of the first file only, for its columns."""
        known = self._manifest or self._preview
        if known is not None:
            return known  # without waiting for whoever is building a newer one
        with self._lock:
            if self._manifest is not None:
                return self._manifest
            if self._preview is None:
                if self._infos is None:
                    self._list()
                assert self._infos is not None, "listed"
                footer = read_footer(self.files, self._infos[0], self._pool, self.store.url)
                empty = Footer(footer.schema, (), {})
                footers = [footer, *[empty] * (len(self._infos) - 1)]  # all keys, for the partition columns' types
                self._preview = build_manifest(self.name, self._infos, footers, self._partitioning)
            return self._preview

    def listed_files(self) -> Sequence[ObjectInfo]:
        """Return the files of the last listing."""
        with self._lock:
            return list(self._infos or ())

    def _list(self) -> None:
        started_at = self._clock()
        self._infos = require_files(self.store, self.name)
        self._listed_at = started_at

    def _list_patiently(self, checkpoint: Checkpoint, *, is_fresh: bool) -> None:
        """List in another thread, and leave it when `checkpoint` raises. Call with the lock held.

        A listing that was left, because the storage says nothing, is taken up again: one thread a table waits for it.
        """
        left = self._listing
        if left is not None and not left[1].done():  # if it is, nobody knows how long ago it began
            try:
                infos = self._await_listing(left, checkpoint)
            except Cancelled:
                raise
            except GatewayError as error:
                _logger.info("%s: an earlier listing failed: %s", self.name, error)
            else:
                if not is_fresh:
                    self._infos, self._listed_at = infos, left[0]
                    return
        started_at = self._clock()
        listing = self._executor.submit(require_files, self.store, self.name)
        self._infos, self._listed_at = self._await_listing((started_at, listing), checkpoint), started_at

    def _await_listing(self, listing: _Listing, checkpoint: Checkpoint) -> list[ObjectInfo]:
        self._listing = listing
        try:
            return wait_for(listing[1], checkpoint)
        finally:
            if listing[1].done():
                self._listing = None

    def _build(self, infos: Sequence[ObjectInfo], checkpoint: Checkpoint) -> Manifest:
        known: dict[tuple[str, str], int] = {}
        kept: dict[tuple[str, str], Footer] = {}
        old = self._manifest
        if old is not None:
            known = {(file.info.key, file.info.version): place for place, file in enumerate(old.files)}
        elif self._kept is not None:
            kept = self._kept.load(self._pool)
        pending: dict[int, Future[Footer]] = {}
        footers: list[Footer | None] = [None] * len(infos)
        for place, info in enumerate(infos):
            earlier = known.get((info.key, info.version))
            if old is not None and earlier is not None:
                footers[place] = old.footer(earlier)
            elif (footer := kept.get((info.key, info.version))) is not None:
                footers[place] = footer
            else:
                pending[place] = self._executor.submit(read_footer, self.files, info, self._pool, self.store.url)
        try:
            for place, future in pending.items():
                footers[place] = wait_for(future, checkpoint)
        finally:
            for future in pending.values():
                future.cancel()
        found = [footer for footer in footers if footer]
        manifest = build_manifest(self.name, infos, found, self._partitioning)
        if self._kept is not None and pending:
            with suppress(RuntimeError):  # the threads end with the server
                self._executor.submit(self._kept.save, infos, found)  # the query does not wait for it
        return manifest

    @contextmanager
    def _held(self, checkpoint: Checkpoint) -> Iterator[None]:
        while not self._lock.acquire(timeout=POLL_S):
            checkpoint()
        try:
            yield
        finally:
            self._lock.release()


def _same_files(manifest: Manifest, infos: Sequence[ObjectInfo]) -> bool:
    return len(manifest.files) == len(infos) and all(
        file.info.key == info.key and file.info.version == info.version
        for file, info in zip(manifest.files, infos, strict=True)
    )
