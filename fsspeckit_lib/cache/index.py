"""What the cache root holds: one row an object, in a SQLite file that threads and processes share (see `database`).

A row is only a claim; the reader checks it against the file (inode, size, mtime, ctime). A copy that was published but
not yet synced to the disk counts only within the boot that wrote it: after a power cut it is dropped. A crash between a
file's coming and its commit leaves a file without a row: unclaimed, never served, removed by `orphans.remove_orphans`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fsspeckit_lib.cache.bounds import Bounds, remove_files, span_below
from fsspeckit_lib.cache.config import CacheConfig
from fsspeckit_lib.cache.database import Database, IndexLost
from fsspeckit_lib.cache.root import CacheRoot
from fsspeckit_lib.core.objects import ObjectInfo

__all__ = ["CacheIndex", "Row"]

_COLUMNS = "version, path, complete, size_bytes, inode, mtime_ns, ctime_ns, object_bytes, object_ns, etag, confirmed_at"
_INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Row:
    """One claim. `path` is relative to the root; `object_bytes`, `object_ns` and `etag` are the remote's own words."""

    version: str
    path: str
    complete: bool
    size_bytes: int
    inode: int
    mtime_ns: int
    ctime_ns: int
    object_bytes: int
    object_ns: int
    etag: str | None
    confirmed_at: float

    def is_file(self, status: os.stat_result) -> bool:
        """Tell whether a complete copy is the file that was published."""
        return (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size) == (
            self.inode,
            self.mtime_ns,
            self.ctime_ns,
            self.object_bytes,
        )


class CacheIndex:
    """The index of one root. Safe from any thread and from several processes; not across a fork.

    Attributes:
        bounds: what the root may hold.
    """

    def __init__(
        self,
        root: CacheRoot,
        config: CacheConfig,
        *,
        is_in_use: Callable[[str], bool],
        on_evicted: Callable[[int], None],
    ) -> None:
        """Open or create the index; drop what did not survive the last power cut, or a copying of the folder.

        Args:
            is_in_use: tells whether a sparse file (path relative to the root) is open in some process.
            on_evicted: called with the number of copies that were removed to make room.

        Raises:
            Corrupt: the index was damaged and could not be set aside.
        """
        self._root = root
        self.database = Database(root.path)
        self.database.on_transaction = self._flush
        self._touched: dict[bytes, float] = {}
        self._confirmed: dict[bytes, tuple[str, float]] = {}
        self._owes_sweep = root.was_reset
        try:
            self._adopt_root()
        except IndexLost:
            self._adopt_root()
        self.bounds = Bounds(self.database, config, is_in_use, on_evicted)

    def keep(self) -> None:
        """Follow what has become of the index's file, and of the room for it. Called now and then."""
        if self.database.is_volatile:
            with contextlib.suppress(OSError):
                self._root.settle()
                if self.database.retry():
                    self._adopt_root()
                    self.bounds.adopt_quotas()
        self.database.reopen_if_replaced()

    @property
    def must_sweep(self) -> bool:
        """Whether files without a row may lie in the root."""
        return not self.database.is_volatile and (self._owes_sweep or self.database.was_lost)

    def swept(self) -> None:
        """Record that the files without a row are gone, whoever owed it."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM meta WHERE name = 'owed'")
            self._owes_sweep = self.database.was_lost = False

    def lookup(self, entry_id: bytes) -> Row | None:
        """Return the claim for an object, whatever its version, or None."""
        with self.database.reading() as connection:
            return _lookup(connection, entry_id)

    def begin(self, entry_id: bytes, info: ObjectInfo, path: str, open_files: Callable[[Row], bool]) -> bool:
        """Record a sparse file at `path`, empty or being filled; a copy of another version is unlinked and forgotten.

        The files are opened within the transaction, as they are moved, removed and put down: no other process does one
        of these between the claim and the opening.

        Args:
            open_files: opens the files, or makes them; is given the row as it was before, or as it is now, whose inode
                is that of a file which was put down properly, else 0. Returns whether they are new, and so empty.

        Returns:
            False when a complete copy of this version is there: nothing was recorded or opened, open that.
        """
        with self.database.transaction() as connection:
            old = _lookup(connection, entry_id)
            if old is not None and old.version != info.version:
                self.bounds._remove(connection, entry_id, old.path)
                old = None
            if old is None:
                self._insert(connection, entry_id, info, path, None)
                old = _lookup(connection, entry_id)
                assert old is not None
            if old.complete:
                return False
            is_new = open_files(old)
            connection.execute(
                "UPDATE entries SET size_bytes = ?, inode = 0, synced = 0, boot_id = ?, used_at = ? WHERE id = ?",
                (0 if is_new else old.size_bytes, self._root.boot_id, time.time(), entry_id),
            )
            return True

    def put_down(self, entry_id: bytes, version: str, status: os.stat_result, is_free: Callable[[], bool]) -> bool:
        """Record what a sparse file looks like while nobody has it open, so that an edit is noticed."""
        with self.database.transaction() as connection:
            if not is_free():
                return False
            changed = connection.execute(
                "UPDATE entries SET inode = ?, mtime_ns = ? WHERE id = ? AND version = ? AND complete = 0",
                (status.st_ino, status.st_mtime_ns, entry_id, version),
            )
            return changed.rowcount == 1

    def admit(self, entry_id: bytes, version: str, count_bytes: int, who: str) -> bool:
        """Charge `count_bytes` more to a sparse file before they are downloaded, evicting what was used least recently.

        Returns:
            False when the row is not this version's any more: the bytes go uncharged into a file that is already
            unlinked, and will not be published.

        Raises:
            ResourceExhausted: they do not fit, whatever is evicted. Nothing was charged.
        """
        with self.database.transaction() as connection:
            self.bounds._make_room(connection, entry_id, count_bytes, who)
            changed = connection.execute(
                "UPDATE entries SET size_bytes = size_bytes + ?, used_at = ?"
                " WHERE id = ? AND version = ? AND complete = 0",
                (count_bytes, time.time(), entry_id, version),
            )
            return changed.rowcount == 1

    def refund(self, entry_id: bytes, version: str, count_bytes: int) -> None:
        """Take back a charge whose bytes did not come."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE entries SET size_bytes = max(0, size_bytes - ?) WHERE id = ? AND version = ? AND complete = 0",
                (count_bytes, entry_id, version),
            )

    def publish(self, entry_id: bytes, info: ObjectInfo, move: Callable[[], tuple[str, os.stat_result]]) -> bool:
        """Make a whole sparse file the complete copy: `move` renames it and returns its new path and status.

        Returns:
            False when the row is not this version's any more; nothing was moved.
        """
        with self.database.transaction() as connection:
            row = _lookup(connection, entry_id)
            if row is None or row.version != info.version:
                return False
            if row.complete:
                return True
            try:
                path, status = move()
            except FileNotFoundError:
                # a process was killed between its rename and its commit: the file lies in its place without a claim
                connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))
                return False
            connection.execute(
                "UPDATE entries SET path = ?, complete = 1, size_bytes = ?, inode = ?, mtime_ns = ?, ctime_ns = ?,"
                " used_at = ?, boot_id = ?, synced = 0 WHERE id = ?",
                (
                    os.fsencode(path),
                    info.size_bytes,
                    status.st_ino,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                    time.time(),
                    self._root.boot_id,
                    entry_id,
                ),
            )
            return True

    def publish_whole(
        self, entry_id: bytes, info: ObjectInfo, who: str, place: Callable[[], tuple[str, os.stat_result]]
    ) -> None:
        """Record a complete copy that had no sparse file before; `place` makes it and returns its path and status.

        Raises:
            ResourceExhausted: it does not fit; nothing was made.
        """
        with self.database.transaction() as connection:
            self.bounds._make_room(connection, entry_id, info.size_bytes, who)
            old = connection.execute("SELECT path FROM entries WHERE id = ?", (entry_id,)).fetchone()
            if old is not None:
                self.bounds._remove(connection, entry_id, os.fsdecode(old[0]))
            path, status = place()
            self._insert(connection, entry_id, info, path, status)

    def mark_synced(self, copies: Iterable[tuple[bytes, str, int, int]]) -> None:
        """Record that copies (id, version, inode, mtime) reached the disk itself."""
        with self.database.transaction() as connection:
            connection.executemany(
                "UPDATE entries SET synced = 1 WHERE id = ? AND version = ? AND inode = ? AND mtime_ns = ?", copies
            )

    def drop(self, entry_id: bytes, row: Row) -> None:
        """Forget a claim that proved wrong, and unlink its file; a newer claim for the object stays."""
        with self.database.transaction() as connection:
            if _lookup(connection, entry_id) == row:
                self.bounds._remove(connection, entry_id, row.path)

    def evict(self, entry_id: bytes) -> int:
        """Remove whatever copy of an object there is, pinned or not; return the bytes that were charged for it."""
        with self.database.transaction() as connection:
            row = _lookup(connection, entry_id)
            if row is None:
                return 0
            self.bounds._remove(connection, entry_id, row.path)
            return row.size_bytes

    def drop_path(self, path: str) -> None:
        """Forget and unlink whatever complete copy lies at `path`. Called by a `move` inside `publish`; rare."""
        remove_files(self.database.root, path)
        self.database.connection.execute("DELETE FROM entries WHERE path = ?", (os.fsencode(path),))

    def entries(
        self, prefix: bytes = b"", *, most: int = 1000, after: bytes = b""
    ) -> list[tuple[bytes, Row, float, bool]]:
        """Return up to `most` rows (id, claim, last use, pinned) in order of id: of a folder `…/`, an id, or all."""
        low, high = span_below(prefix) if prefix else (b"", b"\xff" * 8)
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT id, used_at, pinned, {_COLUMNS} FROM entries WHERE id >= ? AND id > ? AND id < ? "
                "ORDER BY id LIMIT ?",
                (low, after, high, most),
            ).fetchall()
        return [(row[0], _row(row[3:]), row[1], bool(row[2])) for row in rows]

    def storages(self) -> list[tuple[str, int, int]]:
        """Return the first component of the ids, with how many objects there are below it and their bytes."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT substr(id, 1, instr(id, X'2F') - 1) AS name, count(*), sum(size_bytes) FROM entries "
                "GROUP BY name ORDER BY name"
            ).fetchall()
        return [(bytes(name).decode(errors="replace"), count, size_bytes) for name, count, size_bytes in rows]

    def touch(self, entry_id: bytes) -> None:
        """Remember that an object was used now. Never waits: `write_uses`, or the next change, writes it."""
        self._touched[entry_id] = time.time()

    def confirm(self, entry_id: bytes, version: str, at: float) -> None:
        """Remember that the storage has just said that this is its version. Never waits."""
        self._confirmed[entry_id] = (version, at)

    def write_uses(self) -> None:
        """Write what was touched since the last transaction, if anything."""
        if self._touched or self._confirmed:
            with self.database.transaction():
                pass  # every transaction begins with it

    def totals(self) -> tuple[int, int, int]:
        """Return how many objects the root holds a row for, the bytes charged for them, and the pinned of these."""
        with self.database.reading() as connection:
            entries, size_bytes, pinned = connection.execute("SELECT * FROM totals").fetchone()
            return int(entries), int(size_bytes), int(pinned)

    def partial_paths(self) -> Mapping[str, bytes]:
        """Return path → id of every sparse file that has a row."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT path, id FROM entries WHERE complete = 0").fetchall()
            return {os.fsdecode(path): entry_id for path, entry_id in rows}

    @contextlib.contextmanager
    def unclaimed(self, paths: Mapping[str, bytes | None]) -> Iterator[list[str]]:
        """Yield those of `paths` (to the id they could have, if that is known) that no row claims, tree locked."""
        with self.database.transaction() as connection:
            found = []
            for path, entry_id in paths.items():
                raw = os.fsencode(path)
                if entry_id is not None:
                    query, argument = "SELECT 1 FROM entries WHERE id = ? AND path = ?", (entry_id, raw)
                    claimed = connection.execute(query, argument).fetchone()
                else:
                    claimed = connection.execute("SELECT 1 FROM entries WHERE path = ?", (raw,)).fetchone()
                if claimed is None:
                    found.append(path)
            yield found

    def close(self, *, is_last: bool) -> None:
        """Write the pending uses and close the file; `is_last`: no other process uses the root."""
        with contextlib.suppress(Exception):  # uses are only hints for eviction
            self.write_uses()
            if is_last and not self.must_sweep:
                with self.database.transaction() as connection:
                    connection.execute(
                        "INSERT OR REPLACE INTO meta SELECT 'clean', 1"
                        " WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'owed')"
                    )
        self.database.close()

    def _adopt_root(self) -> None:
        """Take the folder over: drop what was not on the disk when the machine went down, all if it is a copy."""
        with self.database.transaction() as connection:
            meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
            if meta.get("root") not in {None, self._root.identity}:
                connection.execute("DELETE FROM entries")  # a copy: its files are swept
                connection.execute("UPDATE totals SET entries = 0, size_bytes = 0, pinned_bytes = 0")
                connection.execute("UPDATE quotas SET size_bytes = 0")
                self._owes_sweep = True
            lost = connection.execute(
                "SELECT id, path FROM entries WHERE synced = 0 AND boot_id <> ?", (self._root.boot_id,)
            ).fetchall()
            for entry_id, path in lost:
                remove_files(self.database.root, os.fsdecode(path))
                connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))
            if self._root.is_first and not meta.get("clean"):
                self._owes_sweep = True  # the one before us ended between a rename and its commit, perhaps
            connection.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                [("root", self._root.identity), ("boot", self._root.boot_id), ("clean", 0)]
                + [("owed", 1)] * self.must_sweep,
            )

    def _insert(
        self,
        connection: sqlite3.Connection,
        entry_id: bytes,
        info: ObjectInfo,
        path: str,
        status: os.stat_result | None,
    ) -> None:
        now = time.time()
        inode, mtime_ns, ctime_ns = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns) if status else (0, 0, 0)
        pinned = self.bounds._is_pinned(connection, entry_id)
        connection.execute(
            _INSERT,
            (
                entry_id, info.version, os.fsencode(path), status is not None, info.size_bytes if status else 0,
                inode, mtime_ns, ctime_ns, now, self._root.boot_id,
                pinned, info.size_bytes, info.mtime_ns, info.etag, now,
            ),
        )  # fmt: skip

    def _flush(self) -> None:
        connection = self.database.connection
        if self._touched:
            touched, self._touched = self._touched, {}
            connection.executemany(
                "UPDATE entries SET used_at = max(used_at, ?) WHERE id = ?",
                [(used_at, entry_id) for entry_id, used_at in touched.items()],
            )
        if self._confirmed:
            confirmed, self._confirmed = self._confirmed, {}
            connection.executemany(
                "UPDATE entries SET confirmed_at = max(confirmed_at, ?) WHERE id = ? AND version = ?",
                [(at, entry_id, version) for entry_id, (version, at) in confirmed.items()],
            )


def _lookup(connection: sqlite3.Connection, entry_id: bytes) -> Row | None:
    found = connection.execute(f"SELECT {_COLUMNS} FROM entries WHERE id = ?", (entry_id,)).fetchone()
    return None if found is None else _row(found)


def _row(values: tuple[object, ...]) -> Row:
    version, path, complete, *rest = values
    if not (isinstance(version, str) and isinstance(path, bytes)):
        raise sqlite3.DatabaseError("a row of another kind than was written")
    return Row(version, os.fsdecode(path), bool(complete), *rest)  # type: ignore[arg-type]  # as SQLite has them
