"""The data plane on obstore (Rust): S3 and what speaks its protocol.

Requests run outside the GIL, are retried by obstore on connection failures, 429 and 5xx with backoff and jitter, and
carry If-Match when the version has an ETag, so bytes of two versions never mix. A store must not be used across a
fork: obstore's threads do not exist in the child.

Keys that obstore cannot name (an empty, `.` or `..` component, a control character) raise Unsupported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import PreconditionError
from typing_extensions import Buffer

from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_lib.errors import CacheStale, IsADirectory, NotFound, ShortRead, Unsupported

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from obstore.store import ObjectStore as ObstoreStore

__all__ = ["ObstoreObjects", "UnnameableKey"]

_PAGE_OBJECTS = 1000


class UnnameableKey(Unsupported):
    """A key that S3 can hold and obstore cannot name. One of them makes its folder's listing fail."""

    kind = "unnameable-key"


class ObstoreObjects:
    """An `ObjectStore` on a store of obstore that is rooted at `url`."""

    def __init__(self, store: ObstoreStore, url: str, namespace: tuple[str, ...]) -> None:
        self._store = store
        self._url = url
        self._namespace = namespace

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
        """The store of obstore itself, for whole-object writes, copies and deletes."""
        return self._store

    @property
    def is_immutable(self) -> bool:
        """False: objects may be replaced at any time."""
        return False

    def check(self) -> None:
        """List one key: the bucket must exist, a prefix need not."""
        with contextlib.suppress(UnnameableKey):  # it answered
            next(iter(self.list_recursive("")), None)

    def stat(self, key: str) -> Entry:
        """Return the object at `key` (one HEAD), else the prefix (one LIST), else raise NotFound."""
        who = self._who(key)
        if not key:
            return DirectoryInfo("")
        try:
            with translated(who), _unnameable(who):
                return _info(key, obstore.head(self._store, key))
        except NotFound:
            if self._has_keys_below(key):
                return DirectoryInfo(key)
            raise NotFound(f"{who}: not found") from None

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the children of prefix `key`. obstore collects all pages of this call before it returns."""
        who = self._who(key)
        with translated(who), _unnameable(who):
            listing = obstore.list_with_delimiter(self._store, key or None)
        directories: list[Entry] = [DirectoryInfo(prefix) for prefix in listing["common_prefixes"]]
        # the marker object `key/` comes back under the directory's own name
        objects: list[Entry] = [_info(meta["path"], meta) for meta in listing["objects"] if meta["path"] != key]
        if not directories and not objects and key and not self._has_keys_below(key):
            raise NotFound(f"{who}: not found")
        if directories:
            yield directories
        for start in range(0, len(objects), _PAGE_OBJECTS):
            yield objects[start : start + _PAGE_OBJECTS]

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every object below `key`, streamed page by page."""
        who = self._who(key)
        with translated(who), _unnameable(who):
            for page in obstore.list(self._store, key or None, chunk_size=_PAGE_OBJECTS):
                yield [_info(meta["path"], meta) for meta in page if meta["path"] != key]

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Return bytes [start, stop) of that version: one GET with Range and, given an ETag, If-Match."""
        who = self._who(info.key)
        if not 0 <= start < stop <= info.size_bytes:  # a range past the end would panic in Rust
            raise ShortRead(who, start, stop - start, max(0, info.size_bytes - start))
        options: GetOptions = {"range": (start, stop)}
        if info.etag is not None:
            options["if_match"] = info.etag
        try:
            with translated(who), _unnameable(who):
                result = obstore.get(self._store, info.key, options=options)
                meta = result.meta
                if meta["size"] == info.size_bytes and meta["e_tag"] == info.etag:
                    data = result.bytes()
                else:
                    raise CacheStale(who, info.version, _info(info.key, meta).version)
        except Exception as error:
            if isinstance(error.__cause__, PreconditionError):
                raise CacheStale(who, info.version, self._version_now(info.key)) from error
            raise
        if len(data) != stop - start:
            raise ShortRead(who, start, stop - start, len(data))
        return data

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return the object at `key`, whole."""
        entry = self.stat(key)
        if not isinstance(entry, ObjectInfo):
            raise IsADirectory(f"{self.url}/{key}: is a directory, an object was wanted")
        return entry, self.read_range(entry, 0, entry.size_bytes) if entry.size_bytes else b""

    def close(self) -> None:
        """Release nothing: obstore closes its connections when the store is collected."""

    def _version_now(self, key: str) -> str:
        try:
            entry = self.stat(key)
        except NotFound:
            return "deleted"
        return entry.version if isinstance(entry, ObjectInfo) else "a directory"

    def _has_keys_below(self, key: str) -> bool:
        who = self._who(key)
        with translated(who), _unnameable(who):
            return next(iter(obstore.list(self._store, key, chunk_size=1)), None) is not None

    def _who(self, key: str) -> str:
        return f"{self._url}/{key}" if key else self._url


class _unnameable:  # noqa: N801 - reads as a with-block
    """Turn obstore's ValueError for a key it cannot name into Unsupported. A class: a generator costs three times."""

    __slots__ = ("_who",)

    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and ("parse path" in str(error) or "invalid path" in str(error)):
            raise UnnameableKey(
                f"{self._who!r}: a key here has an empty, '.' or '..' component or a control character, which "
                "obstore cannot name; rename it with the provider's own tool"
            ) from error


def _info(key: str, meta: ObjectMeta) -> ObjectInfo:
    modified = meta["last_modified"]
    # whole seconds: LIST may give milliseconds where HEAD's header cannot, and both must describe one version alike
    return ObjectInfo(key, meta["size"], int(modified.timestamp()) * 1_000_000_000, meta["e_tag"])
