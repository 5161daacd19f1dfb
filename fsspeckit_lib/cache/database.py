"""The SQLite file of one root: opened, checked, shared by threads and processes, set aside where it is damaged.

SQLite's write lock is also the lock of the directory tree: files are renamed into place, replaced and unlinked only
inside an IMMEDIATE transaction, so two processes cannot publish and evict the same name at once.

Damage is found when a page is used, not by reading all of it at the start. The file is then renamed to `….unusable` and
a new one begun: every claim is void, the bytes are fetched again. Pins and quotas were in it: pins are lost (what they
kept is fetched again when it is read), quotas come back with the configuration.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator

from fsspeckit_lib.cache.root import INDEX_NAME, local_error
from fsspeckit_lib.errors import Corrupt, ResourceExhausted, TimedOut

__all__ = ["Database", "IndexLost"]

_logger = logging.getLogger(__name__)

_SCHEMA_VERSION = 2
_RESERVE_NAME, _RESERVE_BYTES = "reserve", 256 << 10
_BUSY_TIMEOUT_S = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id           BLOB PRIMARY KEY,    -- namespace and key, `/` between all components
    version      TEXT NOT NULL,       -- ObjectInfo.version
    path         BLOB NOT NULL,       -- of the data, relative to the root
    complete     INTEGER NOT NULL,    -- 0: sparse under partial/, 1: whole under data/
    size_bytes   INTEGER NOT NULL,    -- charged against the bounds: what is admitted so far, the whole when complete
    inode        INTEGER NOT NULL,    -- of the file; 0 while a sparse one is open
    mtime_ns     INTEGER NOT NULL,
    ctime_ns     INTEGER NOT NULL,
    used_at      REAL NOT NULL,       -- seconds since the epoch, as of the last flush
    boot_id      INTEGER NOT NULL,
    synced       INTEGER NOT NULL,    -- 1: the bytes are known to be on the disk itself
    pinned       INTEGER NOT NULL DEFAULT 0,
    object_bytes INTEGER NOT NULL,    -- ObjectInfo: what the storage said of this version, …
    object_ns    INTEGER NOT NULL,
    etag         TEXT,
    confirmed_at REAL NOT NULL        -- … and when it said so last
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used_at) WHERE pinned = 0;
CREATE INDEX IF NOT EXISTS entries_sparse ON entries (id) WHERE complete = 0;
CREATE INDEX IF NOT EXISTS entries_unsynced ON entries (id) WHERE synced = 0;
CREATE TABLE IF NOT EXISTS totals (
    entries INTEGER NOT NULL, size_bytes INTEGER NOT NULL, pinned_bytes INTEGER NOT NULL
);
INSERT INTO totals SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM totals);
CREATE TABLE IF NOT EXISTS pins (id BLOB PRIMARY KEY, pinned_at REAL NOT NULL) WITHOUT ROWID;  -- `…/`: all below
CREATE TABLE IF NOT EXISTS quotas (
    id             BLOB PRIMARY KEY,  -- of the namespace, with a trailing `/`
    name           TEXT NOT NULL,
    max_size_bytes INTEGER NOT NULL,
    size_bytes     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known (    -- what the storage last said of keys
    id           BLOB PRIMARY KEY,
    kind         INTEGER NOT NULL,    -- 0 nothing there, 1 object, 2 directory
    object_bytes INTEGER NOT NULL,
    object_ns    INTEGER NOT NULL,
    etag         TEXT,
    confirmed_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listings ( -- the last whole listing of folders, a thousand entries a row
    id        BLOB NOT NULL,
    recursive INTEGER NOT NULL,
    page      INTEGER NOT NULL,
    listed_at REAL NOT NULL,
    entries   BLOB NOT NULL,          -- zlib of JSON: [[kind, key, bytes, ns, etag], …]
    PRIMARY KEY (id, recursive, page)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, size_bytes = size_bytes + NEW.size_bytes,
        pinned_bytes = pinned_bytes + NEW.pinned * NEW.size_bytes;
    UPDATE quotas SET size_bytes = size_bytes + NEW.size_bytes WHERE substr(NEW.id, 1, length(id)) = id;
END;
CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, size_bytes = size_bytes - OLD.size_bytes,
        pinned_bytes = pinned_bytes - OLD.pinned * OLD.size_bytes;
    UPDATE quotas SET size_bytes = size_bytes - OLD.size_bytes WHERE substr(OLD.id, 1, length(id)) = id;
END;
CREATE TRIGGER IF NOT EXISTS entry_resized AFTER UPDATE OF size_bytes, pinned ON entries BEGIN
    UPDATE totals SET size_bytes = size_bytes + NEW.size_bytes - OLD.size_bytes,
        pinned_bytes = pinned_bytes + NEW.pinned * NEW.size_bytes - OLD.pinned * OLD.size_bytes;
    UPDATE quotas SET size_bytes = size_bytes + NEW.size_bytes - OLD.size_bytes
        WHERE substr(NEW.id, 1, length(id)) = id;
END;
"""


class IndexLost(ResourceExhausted):
    """The index was found damaged and has been replaced by an empty one: go on without the cache, or ask again."""

    kind = "cache-index-lost"


class Database:
    """One connection, guarded by one lock. Safe from any thread and from several processes; not across a fork.

    Attributes:
        on_transaction: called at the beginning of each transaction, inside of it.
        is_volatile: the disk has no room for the index at all; it is an empty one in memory, and nothing may be kept.
        was_lost: the file was damaged, of another format or missing beside files of ours, and has been begun anew.
    """

    def __init__(self, root: str) -> None:
        """Open or create the file.

        Raises:
            Corrupt: it was damaged and could not be set aside.
            AccessDenied, ResourceExhausted: the disk refuses.
        """
        self.root = root
        self.path = f"{root}/{INDEX_NAME}"
        self.lock = threading.RLock()
        self.on_transaction: Callable[[], None] = lambda: None
        self.was_lost = False
        self.is_volatile = False
        self._inode = 0
        self.connection = self._open_or_do_without()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock for queries.

        Raises:
            IndexLost, ResourceExhausted, TimedOut.
        """
        with self.lock:
            try:
                yield self.connection
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self._failure(error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock of this process and the write lock over all of them; commit at the end, or roll back.

        Raises:
            IndexLost, ResourceExhausted, TimedOut: nothing was changed.
        """
        with self.lock:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                try:
                    self.on_transaction()
                    yield self.connection
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):  # it may have rolled back by itself
                        self.connection.execute("ROLLBACK")
                    raise
                self.connection.execute("COMMIT")
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if self.connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self.connection.execute("ROLLBACK")
                raise self._failure(error) from error

    def reopen_if_replaced(self) -> None:
        """Follow another process that set the file aside, or somebody who removed it."""
        with self.lock:
            if self.is_volatile:
                return
            self._reserve()
            try:
                is_same = os.stat(self.path).st_ino == self._inode
            except FileNotFoundError:
                is_same = False
            if not is_same:
                _logger.warning("%s: was replaced while it was in use; what it said is void", self.path)
                self.was_lost = True
                self.connection.close()
                self.connection = self._open_or_do_without()

    def retry(self) -> bool:
        """Open the file after all, where the disk had no room for it; tell whether that was done now."""
        with self.lock:
            if self.is_volatile:
                self.connection.close()
                self.connection = self._open_or_do_without()
                return not self.is_volatile
            return False

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.connection.close()

    def _open_or_do_without(self) -> sqlite3.Connection:
        """Open the file; on a full disk with what was set aside for that, else do without it until there is room."""
        try:
            connection = self._open()
        except ResourceExhausted as error:
            try:
                connection = self._open()  # the failure has given up the reserve
                _logger.warning("%s: the disk is full; free some, or evict copies", self.root)
            except ResourceExhausted:
                _logger.warning("%s; nothing is cached until it can be opened", error)
                self.is_volatile = True
                connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                connection.executescript(_SCHEMA)
                return connection
        else:
            self._reserve()
        self.is_volatile = False
        return connection

    def _reserve(self) -> None:
        """Keep some room on the disk, so that the index of a full one can still be opened and copies be evicted."""
        path = f"{self.root}/{_RESERVE_NAME}"
        if os.path.exists(path):
            return
        try:
            disk = os.statvfs(self.root)
            if disk.f_bavail * disk.f_frsize < 4 * _RESERVE_BYTES:
                return
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError as error:
            _logger.debug("%s: %s", path, error)

    def _open(self) -> sqlite3.Connection:
        for attempt in (1, 2):
            connection = None
            try:
                connection = sqlite3.connect(
                    self.path,
                    timeout=_BUSY_TIMEOUT_S,
                    isolation_level=None,
                    check_same_thread=False,
                    cached_statements=128,
                )
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found not in {0, _SCHEMA_VERSION}:
                    raise sqlite3.DatabaseError(f"format {found}, wanted {_SCHEMA_VERSION}")
                if found == 0:
                    self.was_lost = self.was_lost or bool(os.listdir(f"{self.root}/data"))
                    connection.executescript(
                        f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
                    )
                connection.execute("SELECT * FROM totals, meta LIMIT 1").fetchone()
                self._inode = os.stat(self.path).st_ino
                return connection
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if connection is not None:
                    connection.close()
                if not _is_damage(error):
                    raise self._failure(error) from error
                if attempt == 2:
                    raise Corrupt(f"{self.path}: {error}; remove the file, the cache will fill again") from error
                self._set_aside(error)
        raise AssertionError("unreachable")

    def _set_aside(self, error: Exception) -> None:
        _logger.warning("%s: unusable (%s); set aside, what is cached will be fetched again", self.path, error)
        self.was_lost = True
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.path + suffix, f"{self.path}{suffix}.unusable")

    def _failure(self, error: Exception) -> Corrupt | ResourceExhausted | TimedOut:
        if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
            return ResourceExhausted(f"{self.path}: is closed")
        if _is_damage(error):
            with self.lock:
                self._recover(error)
            return IndexLost(f"{self.path}: was damaged ({error}); a new one was begun, read again")
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            with contextlib.suppress(FileNotFoundError):  # for whoever tries again, to make room
                os.unlink(f"{self.root}/{_RESERVE_NAME}")
        if "locked" in str(error) or "busy" in str(error):
            return TimedOut(f"{self.path}: another process keeps it locked; end it if it hangs")
        return ResourceExhausted(f"{self.path}: cannot be used ({error}); free space on its disk, or check it")

    def _recover(self, error: Exception) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()
        try:
            still_ours = os.stat(self.path).st_ino == self._inode
        except FileNotFoundError:
            still_ours = False
        try:
            if still_ours:  # else another process has set it aside already
                self._set_aside(error)
            self.connection = self._open()
        except OSError as failure:
            raise local_error(failure, self.root) from failure


def _is_damage(error: Exception) -> bool:
    """Tell whether the file itself is wrong: SQLITE_CORRUPT, SQLITE_NOTADB, a missing table, or our own check."""
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error):
        return True  # text of the schema, or of a row
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return type(error) is sqlite3.DatabaseError
    return code & 0xFF in {11, 26} or (code & 0xFF == 1 and ("no such" in str(error) or "has no column" in str(error)))
