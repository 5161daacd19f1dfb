"""What the root may hold: the cap, the free space of its disk, quotas of single storages, pins, and an age.

All of it is in the index, so it holds over all processes. Room is made before bytes are fetched: what was used least
recently goes first, pinned copies and sparse files that some process has open never.

A pin is the id of an object, or of a folder with a trailing `/`; no pin lies below another one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fsspeckit_lib.cache.config import CacheConfig
from fsspeckit_lib.cache.database import Database
from fsspeckit_lib.errors import Conflict, ResourceExhausted

__all__ = ["Bounds", "QuotaUse", "remove_files", "span_below"]

_AMPLE, _SEEN_S = 100, 1.0  # room for so many times what is asked for, seen so lately, is not looked for again
_SWEEP_ROWS = 1000


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A quota as the root has it."""

    name: str
    id: bytes
    max_size_bytes: int
    size_bytes: int


class Bounds:
    """Decides what must go, and removes it. `_name`: with a transaction of the database open."""

    def __init__(
        self,
        database: Database,
        config: CacheConfig,
        is_in_use: Callable[[str], bool],
        on_evicted: Callable[[int], None],
    ) -> None:
        """Take over the quotas of the configuration, if it has any.

        Args:
            is_in_use: tells whether a sparse file (path relative to the root) is open in some process.
            on_evicted: called with the number of copies that were removed to make room.
        """
        self._database = database
        self._config = config
        self._is_in_use = is_in_use
        self._on_evicted = on_evicted
        self._seen_room = (0, 0.0)  # bytes without an eviction, and when: monotonic seconds
        self.adopt_quotas()

    def adopt_quotas(self) -> None:
        """Make the configured quotas the root's, where the configuration speaks of them."""
        if self._config.quotas is None:
            return
        wanted = {
            ("/".join(quota.namespace) + "/").encode(errors="surrogatepass"): (quota.name, quota.max_size_bytes)
            for quota in self._config.quotas
        }
        present = {use.id: (use.name, use.max_size_bytes) for use in self.quotas()}
        if wanted == present:
            return
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM quotas")
            for prefix, (name, max_size_bytes) in wanted.items():
                (used,) = connection.execute(
                    "SELECT coalesce(sum(size_bytes), 0) FROM entries WHERE id >= ? AND id < ?", span_below(prefix)
                ).fetchone()
                connection.execute("INSERT INTO quotas VALUES (?, ?, ?, ?)", (prefix, name, max_size_bytes, used))

    def quotas(self) -> list[QuotaUse]:
        """Return the quotas of the root and what is used of each."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name, id, max_size_bytes, size_bytes FROM quotas ORDER BY id").fetchall()
        return [QuotaUse(*row) for row in rows]

    def fits(self, entry_id: bytes, size_bytes: int) -> bool:
        """Tell whether an object of that size could be held at all, with everything else evicted."""
        if size_bytes > self._config.max_size_bytes:
            return False
        return all(size_bytes <= use.max_size_bytes for use in self._quota_cache() if entry_id.startswith(use.id))

    def check_room(self, entry_id: bytes, count_bytes: int, who: str) -> None:
        """Make sure before a download that so many bytes can fit, evicting nothing yet.

        Raises:
            ResourceExhausted: they do not, whatever would be evicted.
        """
        room_bytes, seen_at = self._seen_room
        if count_bytes < room_bytes // _AMPLE and time.monotonic() - seen_at < _SEEN_S:
            return  # the look at the commit counts
        with self._database.reading() as connection:
            self._victims(connection, entry_id, count_bytes, who)

    def _make_room(self, connection: sqlite3.Connection, entry_id: bytes, count_bytes: int, who: str) -> None:
        victims = self._victims(connection, entry_id, count_bytes, who)
        for victim_id, path in victims:
            self._remove(connection, victim_id, path)
        if victims:
            self._on_evicted(len(victims))

    def _remove(self, connection: sqlite3.Connection, entry_id: bytes, path: str) -> None:
        remove_files(self._database.root, path)
        connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))

    def _victims(
        self, connection: sqlite3.Connection, entry_id: bytes, count_bytes: int, who: str
    ) -> list[tuple[bytes, str]]:
        """Return what must go so that `count_bytes` more of the object fit."""
        victims: dict[bytes, str] = {}
        freed = 0
        size_bytes, has_quotas = connection.execute(
            "SELECT size_bytes, EXISTS (SELECT 1 FROM quotas) FROM totals"
        ).fetchone()
        quotas = "SELECT name, id, max_size_bytes, size_bytes FROM quotas"
        for name, prefix, most, used in connection.execute(quotas) if has_quotas else ():
            excess = used + count_bytes - most
            if excess > 0 and entry_id.startswith(prefix):
                chosen, left = self._choose(connection, excess, entry_id, span_below(prefix), victims)
                if left > 0:
                    raise ResourceExhausted(
                        f"{who}: {count_bytes} more bytes do not fit below the quota of {most} bytes for {name}, even "
                        "with everything else of it evicted but what is pinned; raise it"
                    )
                victims |= chosen
        if victims:
            freed = sum(
                connection.execute("SELECT size_bytes FROM entries WHERE id = ?", (victim,)).fetchone()[0]
                for victim in victims
            )
        disk = os.statvfs(self._database.root)
        room_bytes = min(
            self._config.max_size_bytes - size_bytes, disk.f_bavail * disk.f_frsize - self._config.min_free_bytes
        )
        self._seen_room = (0 if has_quotas else room_bytes, time.monotonic())
        excess = count_bytes - freed - room_bytes
        if excess > 0:
            chosen, left = self._choose(connection, excess, entry_id, None, victims)
            if left > 0:
                raise ResourceExhausted(
                    f"{who}: {count_bytes} more bytes do not fit below the cache's limit of "
                    f"{self._config.max_size_bytes} bytes and its {self._config.min_free_bytes} bytes of free disk, "
                    "even with everything else evicted but what is pinned; raise the limit"
                )
            victims |= chosen
        return list(victims.items())

    def _choose(
        self,
        connection: sqlite3.Connection,
        excess: int,
        keep: bytes,
        span: tuple[bytes, bytes] | None,
        taken: dict[bytes, str],
    ) -> tuple[dict[bytes, str], int]:
        """Return copies to remove, least recently used first, and how much is still in excess without them."""
        where, arguments = ("AND id >= ? AND id < ?", span) if span is not None else ("", ())
        chosen: dict[bytes, str] = {}
        for entry_id, path, complete, size_bytes in connection.execute(
            "SELECT id, path, complete, size_bytes FROM entries WHERE pinned = 0 AND id <> ? AND size_bytes > 0 "
            f"{where} ORDER BY used_at",
            (keep, *arguments),
        ):
            if entry_id not in taken and (complete or not self._is_in_use(os.fsdecode(path))):
                chosen[entry_id] = os.fsdecode(path)
                excess -= size_bytes
                if excess <= 0:
                    break
        return chosen, excess

    def expire(self) -> int:
        """Remove what nobody has used for `max_age_s`; return how many copies went."""
        if self._config.max_age_s is None:
            return 0
        before = time.time() - self._config.max_age_s
        expired = 0
        while True:
            removed = 0
            with self._database.transaction() as connection:
                rows = connection.execute(
                    "SELECT id, path, complete FROM entries WHERE pinned = 0 AND used_at < ? ORDER BY used_at LIMIT ?",
                    (before, _SWEEP_ROWS),
                ).fetchall()
                for entry_id, path, complete in rows:
                    if complete or not self._is_in_use(os.fsdecode(path)):
                        self._remove(connection, entry_id, os.fsdecode(path))
                        removed += 1
            expired += removed
            if removed < _SWEEP_ROWS:
                break
        if expired:
            self._on_evicted(expired)
        return expired

    def pin(self, pin_id: bytes, size_bytes: int, who: str) -> None:
        """Keep what lies at the id, or below it, from eviction; pinned bytes count.

        Args:
            pin_id: of an object, or of a folder with a trailing `/`.
            size_bytes: what it will take once all of it is here.

        Raises:
            ResourceExhausted: with it, pins would pass the cap or a quota. Nothing was pinned.
        """
        low, high = span_below(pin_id)
        with self._database.transaction() as connection:
            if _pin_over(connection, pin_id) is not None:
                return
            (pinned,) = connection.execute("SELECT pinned_bytes FROM totals").fetchone()
            (own, all_own) = connection.execute(
                "SELECT coalesce(sum(pinned * size_bytes), 0), coalesce(sum(size_bytes), 0) FROM entries "
                "WHERE id >= ? AND id < ?",
                (low, high),
            ).fetchone()
            needed = max(size_bytes, all_own)
            if pinned - own + needed > self._config.max_size_bytes:
                raise ResourceExhausted(
                    f"{who}: {needed} bytes to pin and {pinned - own} bytes pinned before exceed the cache's limit of "
                    f"{self._config.max_size_bytes} bytes; unpin something or raise the limit"
                )
            for name, prefix, most in connection.execute("SELECT name, id, max_size_bytes FROM quotas").fetchall():
                if not pin_id.startswith(prefix):
                    continue
                (before,) = connection.execute(
                    "SELECT coalesce(sum(pinned * size_bytes), 0) FROM entries WHERE id >= ? AND id < ?",
                    span_below(prefix),
                ).fetchone()
                if before - own + needed > most:
                    raise ResourceExhausted(
                        f"{who}: {needed} bytes to pin and {before - own} bytes pinned before exceed the quota of "
                        f"{most} bytes for {name}; unpin something or raise it"
                    )
            connection.execute("DELETE FROM pins WHERE id >= ? AND id < ?", (low, high))
            connection.execute("INSERT INTO pins VALUES (?, ?)", (pin_id, time.time()))
            connection.execute("UPDATE entries SET pinned = 1 WHERE id >= ? AND id < ?", (low, high))

    def unpin(self, pin_id: bytes, who: str) -> int:
        """Take back the pin at an id and those below it; return how many there were.

        Raises:
            Conflict: a folder above it is pinned.
        """
        low, high = span_below(pin_id)
        with self._database.transaction() as connection:
            over = _pin_over(connection, pin_id)
            if over is not None and over != pin_id:
                shown = over.decode(errors="replace")
                raise Conflict(f"{who}: is pinned with its folder {shown!r}; unpin that")
            removed = connection.execute("DELETE FROM pins WHERE id >= ? AND id < ?", (low, high)).rowcount
            connection.execute("UPDATE entries SET pinned = 0 WHERE id >= ? AND id < ?", (low, high))
            return removed

    def pins(self) -> list[bytes]:
        """Return the pinned ids, in order."""
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute("SELECT id FROM pins ORDER BY id")]

    def _is_pinned(self, connection: sqlite3.Connection, entry_id: bytes) -> bool:
        return _pin_over(connection, entry_id) is not None

    def _quota_cache(self) -> Sequence[QuotaUse]:
        if self._config.quotas is None:
            return ()
        return [
            QuotaUse(
                quota.name,
                ("/".join(quota.namespace) + "/").encode(errors="surrogatepass"),
                quota.max_size_bytes,
                0,
            )
            for quota in self._config.quotas
        ]


def span_below(prefix: bytes) -> tuple[bytes, bytes]:
    """Return the half-open span of ids: all below a folder (`…/`), or the one id itself."""
    return (prefix, prefix[:-1] + b"0") if prefix.endswith(b"/") else (prefix, prefix + b"\0")


def remove_files(root: str, path: str) -> None:
    """Unlink a copy, and the map of a sparse one. A path that an index of ours cannot hold is left alone."""
    parts = path.split("/")
    if parts[0] not in {"data", "partial"} or ".." in parts or len(parts) < 2:
        return
    for name in (path, f"{path}.map") if parts[0] == "partial" else (path,):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            os.unlink(f"{root}/{name}")


def _pin_over(connection: sqlite3.Connection, entry_id: bytes) -> bytes | None:
    """Return the pin that covers an id. One look-up suffices, since no pin lies below another one."""
    row = connection.execute("SELECT id FROM pins WHERE id <= ? ORDER BY id DESC LIMIT 1", (entry_id,)).fetchone()
    if row is None:
        return None
    pin: bytes = row[0]
    return pin if pin == entry_id or (pin.endswith(b"/") and entry_id.startswith(pin)) else None
