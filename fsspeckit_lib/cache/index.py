"""What the cache root holds: one row an object, in a SQLite file that threads and processes share.

SQLite's write lock is also the lock of the directory tree: files are renamed into place, replaced and unlinked only
inside an IMMEDIATE transaction, so two processes cannot publish and evict the same name at once. A crash between a
rename and its commit leaves a file without a row: unclaimed, never served, replaced at the next publish of its key.

A row is only a claim; the reader checks it against the file (inode, size, mtime). A copy that was published but not yet
synced to the disk counts only within the boot that wrote it: after a power cut it is dropped.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.errors import Corrupt, ResourceExhausted

__all__ = ["CacheIndex", "Row"]

_SCHEMA_VERSION = 1
_BUSY_TIMEOUT_S = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id          BLOB PRIMARY KEY,    -- namespace and key, `/` between all components
    version     TEXT NOT NULL,       -- ObjectInfo.version
    path        BLOB NOT NULL,       -- of the data, relative to the root
    complete    INTEGER NOT NULL,    -- 0: sparse under partial/, 1: whole under data/
    size_bytes  INTEGER NOT NULL,    -- charged against the cap: what is admitted so far, the whole when complete
    inode       INTEGER NOT NULL,
    mtime_ns    INTEGER NOT NULL,
    used_at     REAL NOT NULL,       -- seconds since the epoch, as of the last flush
    boot_id     TEXT NOT NULL,
    synced      INTEGER NOT NULL     -- 1: the bytes are known to be on the disk itself
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used_at);
CREATE TABLE IF NOT EXISTS totals (entries INTEGER NOT NULL, size_bytes INTEGER NOT NULL);
INSERT INTO totals SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM totals);
CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, size_bytes = size_bytes + NEW.size_bytes; END;
CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, size_bytes = size_bytes - OLD.size_bytes; END;
CREATE TRIGGER IF NOT EXISTS entry_resized AFTER UPDATE OF size_bytes ON entries BEGIN
    UPDATE totals SET size_bytes = size_bytes + NEW.size_bytes - OLD.size_bytes; END;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One claim. `path` is relative to the root."""

    version: str
    path: str
    complete: bool
    size_bytes: int
    inode: int
    mtime_ns: int
    boot_id: str
    synced: bool


class CacheIndex:
    """The index of one root. Safe from any thread and from several processes; not across a fork."""

    def __init__(
        self,
        root: str,
        *,
        max_size_bytes: int,
        min_free_bytes: int,
        boot_id: str,
        is_in_use: Callable[[str], bool],
        on_evicted: Callable[[int], None],
    ) -> None:
        """Open or create the index.

        Args:
            is_in_use: tells whether a sparse file (path relative to the root) is open in some process.
            on_evicted: called with the number of copies that were removed.

        Raises:
            Corrupt: the index was damaged and could not be set aside.
        """
        self._root = root
        self._max_size_bytes = max_size_bytes
        self._min_free_bytes = min_free_bytes
        self._boot_id = boot_id
        self._is_in_use = is_in_use
        self._on_evicted = on_evicted
        self._lock = threading.RLock()
        self._touched: dict[bytes, float] = {}
        self._connection = self._open()
        self._drop_unsynced()

    def lookup(self, entry_id: bytes) -> Row | None:
        """Return the claim for an object, whatever its version, or None."""
        with self._lock:
            return self._lookup(entry_id)

    def begin(self, entry_id: bytes, version: str, path: str) -> bool:
        """Record a sparse file at `path`, empty or being filled; a copy of another version is unlinked and forgotten.

        Returns:
            False when a complete copy of this version is there: nothing was recorded, open that.
        """
        with self._transaction():
            old = self._lookup(entry_id)
            if old is not None and old.version == version:
                return not old.complete
            if old is not None:
                self._remove(entry_id, old.path)
            self._connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, 0, 0, 0, 0, ?, ?, 0)",
                (entry_id, version, os.fsencode(path), time.time(), self._boot_id),
            )
            return True

    def admit(self, entry_id: bytes, version: str, count_bytes: int, who: str) -> bool:
        """Charge `count_bytes` more to a sparse file before they are downloaded, evicting what was used least recently.

        Returns:
            False when the row is not this version's any more: the bytes go uncharged into a file that is already
            unlinked, and will not be published.

        Raises:
            ResourceExhausted: they do not fit, whatever is evicted. Nothing was charged.
        """
        with self._transaction():
            self._make_room(count_bytes, keep=entry_id, who=who)
            changed = self._connection.execute(
                "UPDATE entries SET size_bytes = size_bytes + ?, used_at = ?"
                " WHERE id = ? AND version = ? AND complete = 0",
                (count_bytes, time.time(), entry_id, version),
            )
            return changed.rowcount == 1

    def refund(self, entry_id: bytes, version: str, count_bytes: int) -> None:
        """Take back a charge whose bytes did not come."""
        with self._transaction():
            self._connection.execute(
                "UPDATE entries SET size_bytes = max(0, size_bytes - ?) WHERE id = ? AND version = ? AND complete = 0",
                (count_bytes, entry_id, version),
            )

    def publish(
        self, entry_id: bytes, version: str, size_bytes: int, move: Callable[[], tuple[str, os.stat_result]]
    ) -> bool:
        """Make a whole sparse file the complete copy: `move` renames it and returns its new path and status.

        Returns:
            False when the row is not this version's any more; nothing was moved.
        """
        with self._transaction():
            row = self._lookup(entry_id)
            if row is None or row.version != version:
                return False
            if row.complete:
                return True
            try:
                path, status = move()
            except FileNotFoundError:
                # a process was killed between its rename and its commit: the file lies in its place without a claim
                self._connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))
                return False
            # a folder or a file may have had to make way; rows that claim this path would claim our bytes
            self._connection.execute("DELETE FROM entries WHERE path = ? AND id <> ?", (os.fsencode(path), entry_id))
            self._connection.execute(
                "UPDATE entries SET path = ?, complete = 1, size_bytes = ?, inode = ?, mtime_ns = ?, used_at = ?,"
                " boot_id = ?, synced = 0 WHERE id = ?",
                (
                    os.fsencode(path),
                    size_bytes,
                    status.st_ino,
                    status.st_mtime_ns,
                    time.time(),
                    self._boot_id,
                    entry_id,
                ),
            )
            return True

    def check_room(self, entry_id: bytes, count_bytes: int, who: str) -> None:
        """Make sure before a download that so many bytes can fit, evicting nothing yet.

        Raises:
            ResourceExhausted: they do not, whatever would be evicted.
        """
        with self._lock:
            self._victims(count_bytes, keep=entry_id, who=who)

    def publish_whole(
        self,
        entry_id: bytes,
        version: str,
        size_bytes: int,
        who: str,
        move: Callable[[], tuple[str, os.stat_result]],
    ) -> str:
        """Record a complete copy that had no sparse file before; `move` renames it into place. Returns its path.

        Raises:
            ResourceExhausted: it does not fit; nothing was moved.
        """
        with self._transaction():
            self._make_room(size_bytes, keep=entry_id, who=who)
            old = self._lookup(entry_id)
            if old is not None:
                self._remove(entry_id, old.path)
            path, status = move()
            self._connection.execute("DELETE FROM entries WHERE path = ?", (os.fsencode(path),))
            self._connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, 0)",
                (
                    entry_id, version, os.fsencode(path), size_bytes,
                    status.st_ino, status.st_mtime_ns, time.time(), self._boot_id,
                ),
            )  # fmt: skip
            return path

    def mark_synced(self, copies: Iterable[tuple[bytes, str, int]]) -> None:
        """Record that complete copies (id, version, inode) reached the disk itself."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE entries SET synced = 1 WHERE id = ? AND version = ? AND inode = ? AND complete = 1", copies
            )

    def drop(self, entry_id: bytes, row: Row) -> None:
        """Forget a claim that proved wrong, and unlink its file; a newer claim for the object stays."""
        with self._transaction():
            if self._lookup(entry_id) == row:
                self._remove(entry_id, row.path)

    def drop_path(self, path: str) -> None:
        """Forget and unlink whatever complete copy lies at `path`. Called by a `move` inside `publish`."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self._root}/{path}")
        self._connection.execute("DELETE FROM entries WHERE path = ?", (os.fsencode(path),))

    def touch(self, entry_id: bytes) -> None:
        """Remember that an object was used now. Never waits: `write_uses`, or the next change, writes it."""
        self._touched[entry_id] = time.time()

    def write_uses(self) -> None:
        """Write what was touched since the last transaction, if anything."""
        if self._touched:
            with self._transaction():
                pass  # every transaction begins with it

    def totals(self) -> tuple[int, int]:
        """Return how many objects the root holds a row for, and the bytes charged for them."""
        with self._lock:
            entries, size_bytes = self._connection.execute("SELECT entries, size_bytes FROM totals").fetchone()
            return int(entries), int(size_bytes)

    def partial_paths(self) -> Mapping[str, bytes]:
        """Return path → id of every sparse file that has a row."""
        with self._lock:
            rows = self._connection.execute("SELECT path, id FROM entries WHERE complete = 0").fetchall()
            return {os.fsdecode(path): entry_id for path, entry_id in rows}

    def close(self) -> None:
        """Write the pending uses and close the file."""
        with self._lock:
            with contextlib.suppress(Exception):  # uses are only hints for eviction
                self.write_uses()
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        path = f"{self._root}/index.sqlite3"
        for attempt in (1, 2):
            try:
                connection = sqlite3.connect(
                    path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
                )
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found not in {0, _SCHEMA_VERSION}:
                    raise sqlite3.DatabaseError(f"format {found}, wanted {_SCHEMA_VERSION}")
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")
                return connection
            except sqlite3.OperationalError as error:
                raise translate(OSError(None, f"the cache index cannot be opened: {error}"), path) from error
            except sqlite3.DatabaseError as error:
                if attempt == 2:
                    raise Corrupt(f"{path}: {error}; remove the file, the cache will fill again") from error
                # unreadable, or written by another version: every claim is void, the bytes are fetched again
                for suffix in ("", "-wal", "-shm"):
                    with contextlib.suppress(FileNotFoundError):
                        os.rename(path + suffix, f"{path}{suffix}.unusable")
        raise AssertionError("unreachable")

    def _drop_unsynced(self) -> None:
        """Forget what was not known to be on the disk when the machine last went down."""
        with self._transaction():
            lost = self._connection.execute(
                "SELECT id, path FROM entries WHERE synced = 0 AND boot_id <> ?", (self._boot_id,)
            ).fetchall()
            for entry_id, path in lost:
                self._remove(entry_id, os.fsdecode(path))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._flush_touched()
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _flush_touched(self) -> None:
        if self._touched:
            touched, self._touched = self._touched, {}
            self._connection.executemany(
                "UPDATE entries SET used_at = max(used_at, ?) WHERE id = ?",
                [(used_at, entry_id) for entry_id, used_at in touched.items()],
            )

    def _lookup(self, entry_id: bytes) -> Row | None:
        found = self._connection.execute(
            "SELECT version, path, complete, size_bytes, inode, mtime_ns, boot_id, synced FROM entries WHERE id = ?",
            (entry_id,),
        ).fetchone()
        if found is None:
            return None
        version, path, complete, size_bytes, inode, mtime_ns, boot_id, synced = found
        return Row(version, os.fsdecode(path), bool(complete), size_bytes, inode, mtime_ns, boot_id, bool(synced))

    def _remove(self, entry_id: bytes, path: str) -> None:
        for name in (path, f"{path}.map") if path.startswith("partial/") else (path,):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                os.unlink(f"{self._root}/{name}")
        self._connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))

    def _make_room(self, count_bytes: int, *, keep: bytes, who: str) -> None:
        victims = self._victims(count_bytes, keep=keep, who=who)
        for entry_id, path in victims:
            self._remove(entry_id, path)
        if victims:
            self._on_evicted(len(victims))

    def _victims(self, count_bytes: int, *, keep: bytes, who: str) -> list[tuple[bytes, str]]:
        """Return what must go so that `count_bytes` more fit: least recently used first, nothing that is on its way."""
        (size_bytes,) = self._connection.execute("SELECT size_bytes FROM totals").fetchone()
        disk = os.statvfs(self._root)
        excess = max(
            size_bytes + count_bytes - self._max_size_bytes,
            self._min_free_bytes + count_bytes - disk.f_bavail * disk.f_frsize,
        )
        victims: list[tuple[bytes, str]] = []
        if excess <= 0:
            return victims
        for entry_id, path, complete, victim_bytes in self._connection.execute(
            "SELECT id, path, complete, size_bytes FROM entries WHERE id <> ? AND size_bytes > 0 ORDER BY used_at",
            (keep,),
        ):
            if complete or not self._is_in_use(os.fsdecode(path)):
                victims.append((entry_id, os.fsdecode(path)))
                excess -= victim_bytes
                if excess <= 0:
                    return victims
        raise ResourceExhausted(
            f"{who}: {count_bytes} more bytes do not fit below the cache's limit of {self._max_size_bytes} bytes "
            f"and its {self._min_free_bytes} bytes of free disk, even with everything else evicted; raise the limit"
        )
