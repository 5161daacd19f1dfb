"""The data plane on obstore (Rust): S3, Google Cloud Storage, Azure, and what speaks their protocols.

Requests run outside the GIL, are retried by obstore on connection failures, 429 and 5xx with backoff and jitter, and
carry If-Match when the version has an ETag, so bytes of two versions never mix. What obstore does not repeat (a listing
or a deletion whose answer broke off) `Endpoint` does.

Keys that obstore cannot name (an empty, `.` or `..` component, a control character) raise Unsupported; the listing of
an S3 folder leaves them out and says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import PreconditionError
from obstore.store import GCSStore, S3Store
from typing_extensions import Buffer

from fsspeckit_lib.core.endpoints import Endpoint, endpoint_for
from fsspeckit_lib.core.markers import without_markers
from fsspeckit_lib.core.objects import (
    Below,
    DirectoryInfo,
    Entry,
    IfAbsent,
    ObjectInfo,
    ObjectWriter,
    Precondition,
    check_span,
)
from fsspeckit_lib.core.obstore_infos import info_of, infos_of, may_be_md5, quoted
from fsspeckit_lib.core.obstore_writer import ConditionalWriter, MultipartWriter
from fsspeckit_lib.core.storage_class import storage_class_of
from fsspeckit_lib.core.unnameable import UNNAMEABLE, UnnameableKey, guarded, unnameable
from fsspeckit_lib.errors import AlreadyExists, CacheStale, Conflict, IsADirectory, NotFound, ShortRead

if TYPE_CHECKING:
    from obstore import GetOptions, PutMode
    from obstore.store import ObjectStore as ObstoreStore

    from fsspeckit_lib.core.s3_listing import NameableLister

__all__ = ["ObstoreObjects"]

_logger = logging.getLogger(__name__)

_PAGE_OBJECTS = 1000
_SHOWN_KEYS = 3
_HEADS = 16
_FEW_OBJECTS = 900  # a page has at most 1000 keys: with fewer rows than these it was the last one
_DELETE_OBJECTS = 1000  # of one request: the limit of S3's DeleteObjects


class ObstoreObjects:
    """A `WritableStore` on a store of obstore that is rooted at `url`."""

    def __init__(
        self,
        store: ObstoreStore,
        url: str,
        namespace: tuple[str, ...],
        endpoint: Endpoint | None = None,
        *,
        list_nameable: NameableLister | None = None,
    ) -> None:
        """Take a store over.

        Args:
            list_nameable: lists a folder in which obstore cannot name a key; None: such a listing fails.
        """
        self._store = store
        self._url = url
        self._namespace = namespace
        self._endpoint = endpoint or endpoint_for(namespace[0])
        self._nameable = list_nameable
        self._etags_are_md5 = isinstance(store, S3Store)  # until one is not

    @property
    def url(self) -> str:
        """The root as a user types it."""
        return self._url

    @property
    def namespace(self) -> tuple[str, ...]:
        """Protocol with endpoint, bucket, and the components of the prefix."""
        return self._namespace

    @property
    def native(self) -> ObstoreStore:
        """The store of obstore itself."""
        return self._store

    @property
    def is_immutable(self) -> bool:
        """False: objects may be replaced at any time."""
        return False

    def check(self) -> None:
        """List one key: the bucket must exist, a prefix need not."""
        with contextlib.suppress(UnnameableKey):  # it answered
            self._has_keys_below("")

    def stat(self, key: str) -> Entry:
        """Return the object at `key` (one HEAD), else the prefix (one LIST), else raise NotFound."""
        who = self._who(key)
        if not key:
            return DirectoryInfo("")
        try:
            return self._endpoint.call(who, lambda: self._head(who, key))
        except NotFound:
            if self._has_keys_below(key):
                return DirectoryInfo(key)
            raise NotFound(f"{who}: not found") from None

    def stat_both(self, key: str) -> tuple[ObjectInfo | None, Below]:
        """Return the object at `key`, and what lies below it: one HEAD and one LIST, at the same time."""
        who = self._who(key)
        with ThreadPoolExecutor(1) as other:
            below = other.submit(self._first_below, key)
            try:
                found: ObjectInfo | None = self._endpoint.call(who, lambda: self._head(who, key))
            except NotFound:
                found = None
            return found, below.result()

    def storage_class(self, info: ObjectInfo) -> str | None:
        """Return the provider's word for where the object is kept, None where it says nothing: one HEAD."""
        return self._endpoint.call(self._who(info.key), lambda: storage_class_of(self._store, info.key))

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of prefix `key`. obstore collects all pages of this call before it returns.

        They are kept as Arrow columns, some 100 bytes an object, until their page is asked for.
        """
        who = self._who(key)

        def fetch() -> Any:
            with unnameable(who):
                return obstore.list_with_delimiter(self._store, key or None, return_arrow=True)

        try:
            listing = self._endpoint.call(who, fetch)
        except UnnameableKey:
            if self._nameable is None:
                raise
            yield from self._list_nameable(who, key, self._nameable)
            return
        directories = [DirectoryInfo(prefix) for prefix in listing["common_prefixes"]]
        found = bool(directories)
        if directories:
            yield directories
        batch = listing["objects"]
        for start in range(0, batch.num_rows, _PAGE_OBJECTS):
            # the marker object `key/` comes back under the directory's own name
            rows = batch.slice(start, min(_PAGE_OBJECTS, batch.num_rows - start))
            page = [info for info in infos_of(rows) if info.key != key]
            if page:
                found = True
                yield page
        if not found and key and not self._has_keys_below(key):
            raise NotFound(f"{who}: not found")

    def _list_nameable(self, who: str, key: str, lister: NameableLister) -> Iterator[Sequence[Entry]]:
        """Yield what can be named of a folder, and log how much cannot."""
        hidden: list[str] = []
        try:
            for page in self._endpoint.pages(who, lister(key)):
                hidden += page.unnameable
                yield page.entries
        except ImportError as error:
            raise UnnameableKey(
                f"{who!r}: {UNNAMEABLE}; install the extra s3 (s3fs) to list the others, or rename it with the "
                "provider's own tool"
            ) from error
        shown = ", ".join(map(repr, hidden[:_SHOWN_KEYS]))
        _logger.warning(
            "%s: %d keys are not shown, which have names that no file can have: %s", who, len(hidden), shown
        )

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every object below `key`, streamed page by page. A listing that breaks off half-way raises.

        The marker of a folder (an empty object `a/b/`) comes as `a/b`, unless something lies below it: see `real_only`.
        """
        for page in self._list_after(key, None):
            yield without_markers(page, key)

    def real_only(self, objects: Sequence[ObjectInfo]) -> list[ObjectInfo]:
        """Return the objects without those that are the markers of empty folders: one HEAD for each empty object."""
        empty = [info.key for info in objects if not info.size_bytes]
        if not empty:
            return list(objects)
        with ThreadPoolExecutor(_HEADS) as pool:
            there = dict(zip(empty, pool.map(self._is_object, empty), strict=True))
        return [info for info in objects if there.get(info.key, True)]

    def list_from(self, key: str, after: str) -> Iterator[Sequence[ObjectInfo]] | None:
        """Return pages of every object below `key` whose key comes after `after`, in order; None: not this storage.

        S3 takes the key to begin after; a directory bucket of S3 knows no order, and others would list all of it.
        """
        if not isinstance(self._store, S3Store) or any(part.endswith("--x-s3") for part in self._namespace):
            return None
        return self._list_after(key, after)

    def _list_after(self, key: str, after: str | None) -> Iterator[Sequence[ObjectInfo]]:
        who = self._who(key)
        listing, first = self._endpoint.call(who, lambda: self._begin_listing(who, key, _PAGE_OBJECTS, after))
        pages = self._endpoint.pages(who, guarded(who, listing))
        while first is not None:
            yield list(infos_of(first))
            first = next(pages, None)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Return bytes [start, stop) of that version: one GET with Range and, given an ETag, If-Match."""
        who = self._who(info.key)
        check_span(who, info, start, stop)  # a range past the end would panic in Rust
        is_small = self._etags_are_md5 and (start, stop) == (0, info.size_bytes) and may_be_md5(info)
        if is_small:
            small = self._get_small(who, info)
            if small is not None:
                return small
        options: GetOptions = {"range": (start, stop)}
        if info.etag is not None and not info.etag.startswith("W/"):  # a weak ETag never matches: RFC 9110, 13.1.1
            options["if_match"] = info.etag

        def fetch() -> Buffer:
            with unnameable(who):
                result = obstore.get(self._store, info.key, options=options)
                now = info_of(info.key, result.meta)
                if now.version != info.version:
                    raise CacheStale(who, info.version, now.version)
                data = result.bytes()
            if len(data) != stop - start:
                raise ShortRead(who, start, stop - start, len(data))
            return data

        try:
            data = self._endpoint.call(who, fetch)
        except Exception as error:
            if isinstance(error.__cause__, PreconditionError):
                raise CacheStale(who, info.version, self._version_now(info.key)) from error
            raise
        if is_small:
            self._etags_are_md5 = False  # it is that version and no MD5: encrypted by a key of KMS, for one
        return data

    def _get_small(self, who: str, info: ObjectInfo) -> Buffer | None:
        """Return a small object whose ETag is the MD5 of these bytes, which proves the version; None when it is not.

        A bare GET takes one hand-over to obstore's threads, one with headers in its answer two: 60 to 190 us more.
        """

        def fetch() -> Buffer:
            with unnameable(who):
                return obstore.get_range(self._store, info.key, start=0, end=info.size_bytes)

        try:
            data = self._endpoint.call(who, fetch)
        except Conflict:  # the range lies outside of what is there now
            return None
        if f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"' == info.etag:
            return data
        return None

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return the object at `key`, whole, in one GET."""
        who = self._who(key)

        def fetch() -> tuple[ObjectInfo, Buffer]:
            with unnameable(who):
                result = obstore.get(self._store, key)
                info = info_of(key, result.meta)
                data = result.bytes()
            if len(data) != info.size_bytes:
                raise ShortRead(who, 0, info.size_bytes, len(data))
            return info, data

        try:
            return self._endpoint.call(who, fetch)
        except NotFound:
            if not key or self._has_keys_below(key):
                raise IsADirectory(f"{who}: is a directory, an object was wanted") from None
            raise NotFound(f"{who}: not found") from None

    def put(self, key: str, data: Buffer, *, only: Precondition | None = None) -> None:
        """Write one object: one PUT, or parts in parallel when it is large and nothing is asked of what is there."""
        who = self._who(key)
        mode: PutMode = "overwrite"
        if isinstance(only, IfAbsent):
            mode = "create"
        elif only is not None:
            mode = self._update_mode(who, key, only.etag)

        def send() -> None:
            with unnameable(who):
                # obstore asks for parts only in mode "overwrite"; the others are one request, whatever their size
                obstore.put(self._store, key, memoryview(data), mode=mode)

        self._endpoint.change(who, send)

    def open_writer(self, key: str, *, only: Precondition | None = None) -> ObjectWriter:
        """Begin an object: parts in parallel, or, with a precondition, a spool on the disk and one request at close."""
        who = self._who(key)
        if only is not None:
            return ConditionalWriter(lambda data: self.put(key, data, only=only), who)
        return MultipartWriter(self._store, key, who, self._endpoint)

    def copy(self, source: str, target: str, *, only: IfAbsent | None = None) -> None:
        """Copy on the server's side.

        S3 has no conditional copy: with IfAbsent the target is looked for first, so two who copy at the same moment
        may both succeed there.
        """
        who = self._who(target)
        if only is not None and self._exists(target):
            raise AlreadyExists(f"{who}: it exists already, and only a new object was wanted")

        def send() -> None:
            with unnameable(who):
                obstore.copy(self._store, source, target)

        self._endpoint.change(self._who(source), send)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete, a thousand keys a request where the provider can. A lost answer is asked for again."""
        for start in range(0, len(keys), _DELETE_OBJECTS):
            batch = list(keys[start : start + _DELETE_OBJECTS])
            who = self._who(batch[0])

            def send(batch: list[str] = batch, who: str = who) -> None:
                with unnameable(who):
                    obstore.delete(self._store, batch)

            try:
                self._endpoint.call(who, send)
            except NotFound:
                # GCS and Azure delete one by one and stop at a key that is not there: finish the others
                for key in batch:
                    with contextlib.suppress(NotFound):
                        self._endpoint.call(self._who(key), lambda key=key: obstore.delete(self._store, key))  # type: ignore[misc]

    def close(self) -> None:
        """Release nothing: obstore closes its connections when the store is collected."""

    def _update_mode(self, who: str, key: str, etag: str) -> PutMode:
        if not isinstance(self._store, GCSStore):
            return {"e_tag": etag}
        # GCS compares generations: ask for that of the version, and refuse when it is another by now
        try:
            meta = self._endpoint.call(who, lambda: obstore.head(self._store, key))
        except NotFound:
            raise Conflict(f"{who}: found no object, wanted to replace version {etag}; read it again") from None
        if quoted(meta["e_tag"]) != etag:
            raise Conflict(f"{who}: found version {meta['e_tag']}, wanted to replace {etag}; read it again")
        return {"e_tag": etag, "version": meta["version"]}

    def _head(self, who: str, key: str) -> ObjectInfo:
        with unnameable(who):
            return info_of(key, obstore.head(self._store, key))

    def _is_object(self, key: str) -> bool:
        who = self._who(key)
        try:
            self._endpoint.call(who, lambda: self._head(who, key))
        except NotFound:
            return False
        return True

    def _exists(self, key: str) -> bool:
        try:
            return isinstance(self.stat(key), ObjectInfo)
        except NotFound:
            return False

    def _version_now(self, key: str) -> str:
        try:
            entry = self.stat(key)
        except NotFound:
            return "deleted"
        return entry.version if isinstance(entry, ObjectInfo) else "a directory"

    def _has_keys_below(self, key: str) -> bool:
        who = self._who(key)
        return self._endpoint.call(who, lambda: self._begin_listing(who, key, 1)[1]) is not None

    def _first_below(self, key: str) -> Below:
        who = self._who(key)
        first = self._endpoint.call(who, lambda: self._begin_listing(who, key, _FEW_OBJECTS)[1])
        if first is None:
            return Below(False, [])
        if first.num_rows >= _FEW_OBJECTS:  # there may be more
            return Below(True, None)
        # the marker object `key/` comes back under the directory's own name
        return Below(True, [info for info in infos_of(first) if info.key != key])

    def _begin_listing(
        self, who: str, key: str, chunk_size: int, after: str | None = None
    ) -> tuple[Iterator[Any], Any]:
        with unnameable(who):
            found = obstore.list(self._store, key or None, offset=after, chunk_size=chunk_size, return_arrow=True)
            listing = iter(found)
            return listing, next(listing, None)

    def _who(self, key: str) -> str:
        return f"{self._url}/{key}" if key else self._url
