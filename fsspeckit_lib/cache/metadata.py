"""What the storage last said of keys and folders, and when: in memory at once, in the index a little later.

Ids are those of the index, so what a mount of a bucket learned is known to a table in one of its folders. A listing
keeps its entries relative to its folder. What was learned in the last seconds before a kill is lost, no more.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from fsspeckit_lib.cache.bounds import span_below
from fsspeckit_lib.cache.database import Database
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ExecutableInfo, LinkInfo, ObjectInfo

__all__ = ["Known", "Listing", "Metadata", "moved"]

_PAGE_ENTRIES = 1000
_KEPT_KNOWN = 100_000
_KEPT_LISTED = 300_000
_STORED_KNOWN = 1_000_000
_STORED_PAGES = 5_000
_ABSENT, _OBJECT, _DIRECTORY, _PROGRAM, _LINK = 0, 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Known:
    """What lay at a key (relative to whatever root the asker has), None where nothing did, and when that was said."""

    entry: Entry | None
    at: float


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole listing: entries by their path relative to the folder. A name that is both comes as `name/` too."""

    entries: Mapping[str, Entry]
    at: float


class Metadata:
    """Thread-safe. The lock is held for dictionary operations only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._listings: OrderedDict[tuple[bytes, bool], Listing] = OrderedDict()
        self._listed = 0
        self._new_known: dict[bytes, Known | None] = {}
        self._new_listings: dict[tuple[bytes, bool], Listing | None] = {}

    def remember(self, entry_id: bytes, entry: Entry | None, at: float) -> None:
        """Take down what the storage said of an id."""
        known = Known(entry, at)
        with self._lock:
            self._known[entry_id] = self._new_known[entry_id] = known
            if len(self._known) > _KEPT_KNOWN:
                self._known.popitem(last=False)

    def remember_listing(
        self, folder_id: bytes, recursive: bool, entries: Sequence[Entry], key: str, at: float
    ) -> None:
        """Take down a whole listing of the folder `key`."""
        cut = len(key) + 1 if key else 0
        by_name: dict[str, Entry] = {}
        for entry in entries:
            name = entry.key[cut:]
            by_name[f"{name}/" if isinstance(entry, DirectoryInfo) else name] = entry
        with self._lock:
            place = (folder_id, recursive)
            listing = Listing(by_name, at)
            self._new_listings[place] = listing
            self._keep(place, listing)

    def recall(self, entry_id: bytes) -> Known | None:
        """Return what is known of an id, whatever its age; keys in it are empty."""
        with self._lock:
            known = self._known.get(entry_id)
            if known is None and entry_id in self._new_known:
                return self._new_known[entry_id]
        if known is not None:
            return known
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT kind, object_bytes, object_ns, etag, confirmed_at FROM known WHERE id = ? UNION ALL "
                "SELECT 1, object_bytes, object_ns, etag, confirmed_at FROM entries WHERE id = ? "
                "ORDER BY 5 DESC LIMIT 1",
                (entry_id, entry_id),
            ).fetchall()
        if not rows:
            return None
        kind, size_bytes, mtime_ns, etag, at = rows[0]
        return Known(_entry(kind, "", size_bytes, mtime_ns, etag) if kind != _ABSENT else None, at)

    def recall_listing(self, folder_id: bytes, recursive: bool, key: str) -> Listing | None:
        """Return the last whole listing of the folder `key`, whatever its age."""
        place = (folder_id, recursive)
        with self._lock:
            if place in self._new_listings and self._new_listings[place] is None:
                return None
            listing = self._listings.get(place)
        if listing is None:
            listing = self._load(place)
            if listing is None:
                return None
            with self._lock:
                self._keep(place, listing)
        prefix = f"{key}/" if key else ""
        return Listing(
            {name: moved(entry, prefix + name.rstrip("/")) for name, entry in listing.entries.items()}, listing.at
        )

    def find_in_listing(self, folder_id: bytes, name: str) -> tuple[Known | None, bool]:
        """Return what the folder's listing says of a name, and whether there is a listing at all."""
        place = (folder_id, False)
        with self._lock:
            listing = self._listings.get(place)
        if listing is None:
            if self.recall_listing(folder_id, False, "") is None:
                return None, False
            with self._lock:
                listing = self._listings.get(place)
            if listing is None:
                return None, False
        entry = listing.entries.get(name) or listing.entries.get(f"{name}/")
        return Known(entry, listing.at), True

    def forget(self, entry_id: bytes) -> None:
        """Drop what is known of an id and of what lists it: it has been written, or may have been."""
        with self._lock:
            self._known.pop(entry_id, None)
            self._new_known[entry_id] = None
            folder = entry_id
            is_parent = True
            places = [(entry_id, False), (entry_id, True)]
            while folder:
                folder = folder.rpartition(b"/")[0]
                places.append((folder, True))
                if is_parent:
                    places.append((folder, False))
                # a folder that did not exist does now: what was said of it is void as well
                known = self._known.get(folder)
                if known is not None and known.entry is None:
                    self._known.pop(folder)
                    self._new_known[folder] = None
                is_parent = False
            for place in places:
                self._new_listings[place] = None
                old = self._listings.pop(place, None)
                self._listed -= len(old.entries) if old is not None else 0

    def clear(self) -> None:
        """Forget everything, in memory and in the index."""
        with self._lock:
            for memory in (self._known, self._listings, self._new_known, self._new_listings):
                memory.clear()
            self._listed = 0
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM known")
            connection.execute("DELETE FROM listings")

    def is_anything_known(self, folder_id: bytes) -> bool:
        """Tell whether a listing or an object at or below a folder is known."""
        low, high = span_below(folder_id + b"/")
        with self._lock:
            if any(place == folder_id or low <= place < high for place in (*self._new_known, *self._known)):
                return True
            if any(place[0] == folder_id for place in self._listings):
                return True
        with self._database.reading() as connection:
            for table in ("entries", "listings", "known"):
                query = f"SELECT 1 FROM {table} WHERE id = ? OR (id >= ? AND id < ?) LIMIT 1"
                if connection.execute(query, (folder_id, low, high)).fetchone():
                    return True
        return False

    def flush(self) -> None:
        """Write what was learned, and keep the tables within their bounds."""
        with self._lock:
            known, self._new_known = self._new_known, {}
            listings, self._new_listings = self._new_listings, {}
        if not known and not listings:
            return
        rows = [(entry_id, *_values(found.entry), found.at) for entry_id, found in known.items() if found is not None]
        pages = [
            (folder_id, recursive, number, listing.at, page)
            for (folder_id, recursive), listing in listings.items()
            if listing is not None
            for number, page in enumerate(_pages(listing))
        ]
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM known WHERE id = ?", [(entry_id,) for entry_id, found in known.items() if found is None]
            )
            connection.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.executemany("DELETE FROM listings WHERE id = ? AND recursive = ?", list(listings))
            connection.executemany("INSERT INTO listings VALUES (?, ?, ?, ?, ?)", pages)
            for table, most in (("known", _STORED_KNOWN), ("listings", _STORED_PAGES)):
                (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                if count > most:  # rare: half of it goes, the oldest
                    column = "confirmed_at" if table == "known" else "listed_at"
                    connection.execute(
                        f"DELETE FROM {table} WHERE {column} <= "
                        f"(SELECT {column} FROM {table} ORDER BY {column} LIMIT 1 OFFSET {most // 2})"
                    )

    def _load(self, place: tuple[bytes, bool]) -> Listing | None:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT entries, listed_at FROM listings WHERE id = ? AND recursive = ? ORDER BY page", place
            ).fetchall()
        if not rows:
            return None
        entries: dict[str, Entry] = {}
        for page, _ in rows:
            for kind, name, size_bytes, mtime_ns, etag in json.loads(zlib.decompress(page)):
                entries[name] = _entry(kind, name.rstrip("/"), size_bytes, mtime_ns, etag)
        return Listing(entries, rows[0][1])

    def _keep(self, place: tuple[bytes, bool], listing: Listing) -> None:
        old = self._listings.pop(place, None)
        self._listings[place] = listing
        self._listed += len(listing.entries) - (len(old.entries) if old is not None else 0)
        while self._listed > _KEPT_LISTED and len(self._listings) > 1:
            self._listed -= len(self._listings.popitem(last=False)[1].entries)


def _pages(listing: Listing) -> list[bytes]:
    rows = [
        (kind, name, size_bytes, mtime_ns, etag)
        for name, entry in listing.entries.items()
        for kind, size_bytes, mtime_ns, etag in [_values(entry)]
    ]
    starts = range(0, max(1, len(rows)), _PAGE_ENTRIES)
    return [zlib.compress(json.dumps(rows[start : start + _PAGE_ENTRIES]).encode(), 1) for start in starts]


def _values(entry: Entry | LinkInfo | None) -> tuple[int, int, int, str | None]:
    if entry is None:
        return _ABSENT, 0, 0, None
    if isinstance(entry, DirectoryInfo):
        return _DIRECTORY, 0, entry.mtime_ns, None
    if isinstance(entry, LinkInfo):
        return _LINK, 0, entry.mtime_ns, entry.target
    kind = _PROGRAM if isinstance(entry, ExecutableInfo) else _OBJECT
    return kind, entry.size_bytes, entry.mtime_ns, entry.etag


def _entry(kind: int, key: str, size_bytes: int, mtime_ns: int, etag: str | None) -> Entry:
    if kind == _DIRECTORY:
        return DirectoryInfo(key, mtime_ns)
    if kind == _LINK:
        return cast("Entry", LinkInfo(key, etag or "", mtime_ns))  # only of a store that was asked for its links
    return (ExecutableInfo if kind == _PROGRAM else ObjectInfo)(key, size_bytes, mtime_ns, etag)


def moved(entry: Entry, key: str) -> Entry:
    """Return the same at another key: what is remembered may have been said relative to another root."""
    if entry.key == key:
        return entry
    if type(entry) is ObjectInfo:  # nearly all, and a quarter of what `replace` takes
        return ObjectInfo(key, entry.size_bytes, entry.mtime_ns, entry.etag)
    return dataclasses.replace(entry, key=key)
