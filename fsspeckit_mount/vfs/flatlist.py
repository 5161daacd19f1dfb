"""Listing all directories below one by a single stream of keys, for who walks through them.

A storage that has only keys lists everything below a prefix in order, a thousand keys a request, however many
directories they lie in: a walk through directories of a hundred files costs a tenth of the requests that it costs to
list each. All keys of a directory lie together, so it is known whole as soon as the stream has left it.

The stream is let run a few pages ahead of the walk and no further. A directory that the stream does not reach within a
few pages (a huge neighbour lies before it, or it is huge itself) is listed by itself, and the stream ends: it pays only
for a walk that goes down everywhere through directories of moderate size.

An empty object may be the marker of an empty directory, whose trailing slash is lost here: a directory with one is left
to its own LIST.

Thread-safe. One thread runs the stream, any others ask for directories; no lock is held while the storage is asked.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fsspeckit_lib.core.objects import DirectoryInfo, ObjectInfo
from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.vfs.attributes import Sight
from fsspeckit_mount.vfs.ports import Clock

__all__ = ["FlatStream", "Found", "TreeBuilder"]

_log = logging.getLogger(__name__)

_AHEAD_ENTRIES = 8192
_WAIT_PAGES = 4


class Found(NamedTuple):
    """All entries of one directory, and when the oldest of them were known: before the storage was asked.

    Where `is_sure` is False one of them may be an empty directory: the storage has to be asked for this one.
    """

    key: str
    entries: list[Sight]
    seen_s: float
    is_sure: bool = True


class _Open:
    """A directory whose keys are coming."""

    __slots__ = ("entries", "has_empty", "key", "prefix", "seen_s")

    def __init__(self, key: str, seen_s: float) -> None:
        self.key = key
        self.prefix = f"{key}/" if key else ""
        self.entries: list[Sight] = []
        self.seen_s = seen_s
        self.has_empty = False

    @property
    def is_sure(self) -> bool:
        """Whether no empty object is left that may be a directory; one that is known to be a directory is none."""
        if not self.has_empty:
            return True
        folders = {entry.key for entry in self.entries if isinstance(entry, DirectoryInfo)}
        files = (entry for entry in self.entries if isinstance(entry, ObjectInfo))
        return all(info.size_bytes or info.key in folders for info in files)


class TreeBuilder:
    """Turns keys in a storage's order into directories. Pure.

    The order is that of the keys' bytes (which is that of their code points), or one directory after the other in the
    order of the names; keys in any other are refused, as a directory might come back after it was left.
    """

    def __init__(self, base: str) -> None:
        self._open = [_Open(base, 0.0)]  # of the base itself nothing is kept: it was listed before
        self._last = ""
        self._is_by_bytes = True

    @property
    def held(self) -> int:
        """How many entries of directories are here that are not complete."""
        return sum(len(opened.entries) for opened in self._open)

    def has_passed(self, key: str) -> bool:
        """Tell whether the keys are beyond a directory, so that nothing of it will come."""
        if not self._last or self._last.startswith(f"{key}/"):
            return False
        return self._last > f"{key}/" if self._is_by_bytes else _by_names(self._last) > _by_names(key)

    def feed(self, objects: Sequence[ObjectInfo], seen_s: float) -> list[Found] | None:
        """Return the directories that are complete now; None where the keys are in no order, so nothing is sure."""
        complete: list[Found] = []
        base, top = self._open[0], self._open[-1]
        for info in objects:
            key = info.key
            if not self._follows(key) and (info.size_bytes or not self._follows(f"{key}/")):
                return None  # of a marker the storage saw the slash
            folder = key.rpartition("/")[0]
            if folder != top.key:
                while not key.startswith(top.prefix):
                    self._close(complete)
                    top = self._open[-1]
                for name in key[len(top.prefix) :].split("/")[:-1]:
                    top = self._descend(top, name, seen_s)
            if top is not base:
                top.entries.append(info)
                if not info.size_bytes:
                    top.has_empty = True
        return complete

    def finish(self) -> list[Found]:
        """Return the directories that are complete because nothing more comes."""
        complete: list[Found] = []
        while len(self._open) > 1:
            self._close(complete)
        return complete

    def _descend(self, above: _Open, name: str, seen_s: float) -> _Open:
        inner = _Open(above.prefix + name, seen_s)
        if above is not self._open[0]:
            above.entries.append(DirectoryInfo(inner.key))
        self._open.append(inner)
        return inner

    def _close(self, complete: list[Found]) -> None:
        closed = self._open.pop()
        complete.append(Found(closed.key, closed.entries, closed.seen_s, closed.is_sure))

    def _follows(self, key: str) -> bool:
        if self._last < key:
            self._last = key
            return True
        if _by_names(self._last) < _by_names(key):
            self._last, self._is_by_bytes = key, False
            return True
        return False


class FlatStream:
    """One stream of all keys below a directory, from one of the directories in it on."""

    def __init__(
        self,
        base: str,
        pages: Iterator[Sequence[ObjectInfo]],
        clock: Clock,
        on_unsure: Callable[[str], None] = lambda _: None,
        *,
        patience_s: float = 5.0,
    ) -> None:
        """Build it; `run` asks for the pages.

        Args:
            pages: of the keys below `base`, from some directory in it on; asked for by `run`.
            on_unsure: told the key of a directory that has to be listed by itself; must not block.
            patience_s: how long the stream waits for the walk, and the walk for a page.
        """
        self._patience_s = patience_s
        self._on_unsure = on_unsure
        self._base = f"{base}/" if base else ""
        self._pages = pages
        self._clock = clock
        self._changed = threading.Condition()
        self._tree = TreeBuilder(base)
        self._ready: OrderedDict[str, Found] = OrderedDict()
        self._ready_entries = 0
        self._page_count = 0
        self._waiting = 0
        self._wanted_pages = 0  # up to which page somebody waits
        self._ended = False
        self.was_given_up = False
        self.was_idle = False
        self.ended_s = 0.0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes."""
        return self._ended

    def take(self, key: str, *, may_wait: bool) -> Found | None:
        """Return a directory, once; None where it has to be listed by itself."""
        with self._changed:
            if may_wait and key not in self._ready and self._is_coming(key):
                self._wait_for(key)
            found = self._ready.get(key)
            return self._drop(key) if found is not None and found.is_sure else None

    def visit(self, key: str) -> bool:
        """Note that a directory is being opened, and tell whether it is here or will come.

        What has to be listed by itself is behind the walk now.
        """
        with self._changed:
            found = self._ready.get(key)
            if found is not None and not found.is_sure:
                self._drop(key)
            return found is not None or self._is_coming(key)

    def _drop(self, key: str) -> Found | None:
        found = self._ready.pop(key, None)
        if found is not None:
            self._ready_entries -= len(found.entries)
            self._changed.notify_all()
        return found

    def stop(self) -> None:
        """Ask for nothing more, and forget what is here."""
        with self._changed:
            self._end()
            self._ready.clear()

    def run(self) -> None:
        """Ask for one page after the other until the walk is over. Never raises."""
        try:
            asked_s = self._clock()
            while not self._ended:
                # a page may begin with what came with the answer before: it is as old as the question for that
                seen_s, asked_s = asked_s, self._clock()
                page = next(self._pages, None)
                if page is None:
                    self._put(self._tree.finish())
                    return
                with self._changed:
                    found = self._tree.feed(page, seen_s)
                    if found is None:
                        _log.info("%s: its keys come in no order; directories are listed one by one", self._base or "/")
                        self.was_given_up = True
                        return
                    self._put(found)
                    self._page_count += 1
                    self._changed.notify_all()
                    self._pause()
        except GatewayError as error:  # whoever opens a directory meets it again
            _log.debug("%s: was not listed ahead: %s", self._base or "/", error)
        except Exception:  # noqa: BLE001 - the edge of a thread
            _log.exception("%s: listing ahead failed", self._base or "/")
        finally:
            with self._changed:
                self._end()

    def _is_coming(self, key: str) -> bool:
        return not self._ended and key.startswith(self._base) and not self._tree.has_passed(key)

    def _wait_for(self, key: str) -> None:
        last_page = self._page_count + _WAIT_PAGES
        self._waiting += 1
        self._wanted_pages = max(self._wanted_pages, last_page)
        self._changed.notify_all()
        try:
            while key not in self._ready and self._is_coming(key):
                if self._page_count >= last_page:
                    self.was_given_up = True
                    self._end()
                    return
                pages = self._page_count
                if not self._changed.wait(self._patience_s) and self._page_count == pages:
                    self.was_given_up = True  # the storage hangs: whoever waits finds out by itself
                    self._end()
        finally:
            self._waiting -= 1

    def _put(self, complete: list[Found]) -> None:
        with self._changed:
            if self._ended:
                return
            for found in complete:
                self._ready[found.key] = found
                self._ready_entries += len(found.entries)
                if not found.is_sure:
                    self._on_unsure(found.key)
            while self._ready_entries > 2 * _AHEAD_ENTRIES:  # of directories that the walk left out
                self._ready_entries -= len(self._ready.popitem(last=False)[1].entries)

    def _pause(self) -> None:
        """Wait while enough lies here and nobody asks for more; end when that takes long."""
        while self._has_enough() and not self._ended:
            if not self._changed.wait(self._patience_s):
                self.was_idle = True
                self._end()
                self._ready.clear()

    def _has_enough(self) -> bool:
        is_wanted = self._waiting and self._page_count < self._wanted_pages
        return self._ready_entries + self._tree.held >= _AHEAD_ENTRIES and not is_wanted

    def _end(self) -> None:
        if not self._ended:
            self.ended_s = self._clock()
        self._ended = True
        self._tree = TreeBuilder("")
        self._changed.notify_all()


def _by_names(key: str) -> str:
    return key.replace("/", "\0")
