"""A storage that goes on answering from the index while it cannot be reached: `when_offline: serve-stale`.

Only Unavailable (and TimedOut, which is one) counts as an outage. What the storage itself says (that something is not
there, that access is denied) is passed on as it is, remembered, and repeated during an outage. Nothing is ever made up:
what the index does not know stays an error.

After a failure the storage is left alone for a few seconds, then one request at a time finds out whether it is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

from typing_extensions import Buffer

from fsspeckit_lib.cache.metadata import Metadata, moved
from fsspeckit_lib.cache.stats import StatsCounter
from fsspeckit_lib.cache.writers import ForgettingWriter
from fsspeckit_lib.core.objects import (
    DirectoryInfo,
    Entry,
    IfAbsent,
    ObjectInfo,
    ObjectStore,
    ObjectWriter,
    Precondition,
    WritableStore,
)
from fsspeckit_lib.errors import AccessDenied, Conflict, NotFound, Unavailable

__all__ = ["OfflineStore", "OfflineWritableStore", "entry_id"]

_logger = logging.getLogger(__name__)

_LOG_INTERVAL_S = 60.0
_WITH_LINKS = b"with-links:"
_T = TypeVar("_T")


def entry_id(store: ObjectStore, key: str) -> bytes:
    """Return the index's name of an object: the same for a bucket and its folder, so that they share copies."""
    parts = (*store.namespace, key) if key else store.namespace
    return "/".join(parts).encode(errors="surrogatepass")


class OfflineStore:
    """An `ObjectStore` around another one. Thread-safe."""

    def __init__(self, inner: ObjectStore, metadata: Metadata, stats: StatsCounter, retry_s: float) -> None:
        self.inner = inner
        self._metadata = metadata
        self._stats = stats
        self._retry_s = retry_s
        self._lock = threading.Lock()
        self._failure: Unavailable | None = None
        self._failed_at = 0.0
        self._retry_at = 0.0
        self._stale = 0
        self._logged_at = float("-inf")
        self._kind = _WITH_LINKS if getattr(inner, "shows_links", False) else b""

    def _id(self, key: str) -> bytes:
        """Return the name of a key in what is remembered: a view with links is another world than one without."""
        return self._kind + entry_id(self, key)

    @property
    def url(self) -> str:
        """The inner store's."""
        return self.inner.url

    @property
    def namespace(self) -> tuple[str, ...]:
        """The inner store's."""
        return self.inner.namespace

    @property
    def is_immutable(self) -> bool:
        """The inner store's."""
        return self.inner.is_immutable

    @property
    def is_offline(self) -> bool:
        """True between a request that failed for want of an answer and the next one that was answered."""
        return self._failure is not None

    def check(self) -> None:
        """Ask the inner store; while it cannot be reached, be content with knowing anything of it."""
        try:
            self._ask(self.inner.check)
        except Unavailable as error:
            if not self._metadata.is_anything_known(self._id("")):
                raise
            self.count_stale("the start", error)

    def stat(self, key: str) -> Entry:
        """Return what lies at `key`; during an outage what last lay there."""
        at = time.time()
        try:
            entry = self._ask(lambda: self.inner.stat(key))
        except NotFound:
            self._metadata.remember(self._id(key), None, at)
            raise
        except Unavailable as error:
            known = self.last_known(key)
            if known is None:
                raise
            self.count_stale(key, error)
            if known[0] is None:
                raise NotFound(f"{self.url}/{key}: not found when the storage was last reached") from error
            return known[0]
        self._metadata.remember(self._id(key), entry, at)
        return entry

    def last_known(self, key: str) -> tuple[Entry | None, float] | None:
        """Return what last lay at a key (None: nothing) and when that was said, or None where nothing is known."""
        known = self._metadata.recall(self._id(key))
        folder, _, name = key.rpartition("/")
        listed, has_listing = self._metadata.find_in_listing(self._id(folder), name) if key else (None, False)
        if has_listing and listed is not None and (known is None or listed.at > known.at):
            known = listed
        if known is None:
            if not key or self._metadata.is_anything_known(self._id(key)):
                return DirectoryInfo(key), 0.0  # something lies below it
            return None
        if known.entry is None:
            return None, known.at
        return moved(known.entry, key), known.at

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of a folder; during an outage those of its last whole listing."""
        return self._list(key, False, lambda: self.inner.list_directory(key))

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every object below a folder; during an outage those of the last whole listings."""
        pages = self._list(key, True, lambda: self.inner.list_recursive(key))
        return cast("Iterator[Sequence[ObjectInfo]]", pages)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Read from the inner store; bytes that are not here cannot be had during an outage."""
        return self._ask(lambda: self.inner.read_range(info, start, stop))

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Read from the inner store."""
        return self._ask(lambda: self.inner.get(key))

    def close(self) -> None:
        """Close the inner store."""
        self.inner.close()

    def count_stale(self, what: str, error: BaseException | None = None) -> None:
        """Count one answer that could not be confirmed, and say so now and then."""
        self._stats.add(stale_serves=1)
        now = time.monotonic()
        with self._lock:
            self._stale += 1
            if now - self._logged_at < _LOG_INTERVAL_S:
                return
            self._logged_at = now
        reason = error if error is not None else self._failure
        _logger.warning("%s: %s is served as it was when the storage was last reached (%s)", self.url, what, reason)

    def _ask(self, question: Callable[[], _T]) -> _T:
        failure = self._failure
        if failure is not None:
            with self._lock:
                if time.monotonic() < self._retry_at:
                    raise type(failure)(*failure.args)
                self._retry_at = time.monotonic() + self._retry_s  # this thread finds out, the others wait for it
        try:
            answer = question()
        except Unavailable as error:
            self._went(error)
            raise
        except (NotFound, AccessDenied, Conflict):
            self._came()  # whatever it said, it answered
            raise
        if failure is not None:
            self._came()
        return answer

    def _went(self, error: Unavailable) -> None:
        now = time.monotonic()
        with self._lock:
            if self._failure is None:
                self._failed_at = now
            self._failure = error
            self._retry_at = now + self._retry_s

    def _came(self) -> None:
        with self._lock:
            if self._failure is None:
                return
            self._failure = None
            stale, self._stale = self._stale, 0
            self._logged_at = float("-inf")
            away_s = time.monotonic() - self._failed_at
        _logger.warning("%s: answers again after %.0f s; %d answers were stale", self.url, away_s, stale)

    def _list(
        self, key: str, recursive: bool, pages: Callable[[], Iterator[Sequence[Entry]]]
    ) -> Iterator[Sequence[Entry]]:
        at = time.time()
        seen: list[Entry] = []
        source = _later(pages)
        while True:
            try:
                page = self._ask(lambda: next(source, None))
            except NotFound:
                if not seen:
                    self._metadata.remember(self._id(key), None, at)
                raise
            except Unavailable as error:
                known = None if seen else self._listed(key, recursive)
                if known is None:
                    raise
                self.count_stale(f"the listing of {key or '/'}", error)
                if known:
                    yield known
                return
            if page is None:
                self._metadata.remember_listing(self._id(key), recursive, seen, key, at)
                return
            seen += page
            yield page

    def _listed(self, key: str, recursive: bool) -> list[Entry] | None:
        """Return the last known listing; a recursive one also from those of its folders, or of a folder above."""
        listing = self._metadata.recall_listing(self._id(key), recursive, key)
        if listing is not None:
            return list(listing.entries.values())
        if not recursive:
            above = self._above(key)
            return None if above is None else _children(key, above)
        known = self.last_known(key)
        if known is not None and isinstance(known[0], ObjectInfo):
            return []
        above = self._above(key)
        if above is not None:
            return [*above]
        found: list[Entry] = []
        pending = [key]
        while pending:
            listing = self._metadata.recall_listing(self._id(folder := pending.pop()), False, folder)
            if listing is None:
                return None
            pending += [entry.key for entry in listing.entries.values() if isinstance(entry, DirectoryInfo)]
            found += [entry for entry in listing.entries.values() if isinstance(entry, ObjectInfo)]
        return found

    def _above(self, key: str) -> list[ObjectInfo] | None:
        """Return the objects below `key` as a recursive listing of a folder at or above it has them."""
        folder = key
        while True:
            listing = self._metadata.recall_listing(self._id(folder), True, folder)
            if listing is not None:
                below = f"{key}/" if key else ""
                entries = listing.entries.values()
                return [entry for entry in entries if isinstance(entry, ObjectInfo) and entry.key.startswith(below)]
            if not folder:
                return None
            folder = folder.rpartition("/")[0]


class OfflineWritableStore(OfflineStore):
    """The same around a storage that can be changed: changes need the storage, and are seen at once."""

    def __init__(self, inner: WritableStore, metadata: Metadata, stats: StatsCounter, retry_s: float) -> None:
        super().__init__(inner, metadata, stats, retry_s)
        self._writable = inner

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write to the inner store."""
        try:
            self._ask(lambda: self._writable.put(key, data, only=only))
        finally:
            self._metadata.forget(self._id(key))

    def open_writer(self, key: str, *, only: Precondition | None = None) -> ObjectWriter:
        """Write to the inner store."""
        return ForgettingWriter(
            self._ask(lambda: self._writable.open_writer(key, only=only)),
            lambda: self._metadata.forget(self._id(key)),
        )

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy in the inner store."""
        try:
            self._ask(lambda: self._writable.copy(source, target, only=only))
        finally:
            self._metadata.forget(self._id(target))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete in the inner store."""
        try:
            self._ask(lambda: self._writable.delete(keys))
        finally:
            for key in keys:
                self._metadata.forget(self._id(key))


def _later(pages: Callable[[], Iterator[Sequence[Entry]]]) -> Iterator[Sequence[Entry]]:
    """Ask when the first page is wanted, whatever kind of iterator the storage gives."""
    yield from pages()


def _children(key: str, objects: Sequence[ObjectInfo]) -> list[Entry]:
    """Return the direct children of a folder, given all objects below it."""
    cut = len(key) + 1 if key else 0
    found: dict[str, Entry] = {}
    for info in objects:
        name, slash, _ = info.key[cut:].partition("/")
        child = info.key[:cut] + name
        found.setdefault(name + slash, DirectoryInfo(child) if slash else info)
    return list(found.values())
