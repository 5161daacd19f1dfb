"""How far ahead of a reader to fetch.

Pure: told of every read of one handle, answers which span to begin fetching. A handle may carry several sequential
streams at once (threads that read the column chunks of one parquet file), so the last few positions are remembered and
each has its own window. A stream that goes on doubles its window, from 1 MiB to 64 MiB; a read that continues none of
them fetches nothing but itself. Spans are half-open `[start, stop)` in bytes.

The kernel sends the reads of its own readahead side by side: they come out of order within its readahead size, so a
read continues a stream when it starts anywhere near the stream's end, not exactly there.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIRST_WINDOW_BYTES", "LARGEST_WINDOW_BYTES", "Prefetcher"]

FIRST_WINDOW_BYTES = 1 << 20
LARGEST_WINDOW_BYTES = 64 << 20
_STREAMS = 8
_SLACK_BYTES = 1 << 20
"""A read may start this far behind or ahead of a stream's end and still continue it. Grows with the largest read, as
the kernel's readahead does."""


@dataclass(slots=True)
class _Stream:
    """One sequential reader: it has read up to `end`, the storage has been asked up to `asked`."""

    end: int
    asked: int
    window: int


class Prefetcher:
    """The policy of one handle. Not thread-safe: called by who answers the kernel, one read after the other."""

    def __init__(self, size_bytes: int, *, largest_window_bytes: int = LARGEST_WINDOW_BYTES) -> None:
        self._size = size_bytes
        self._largest = largest_window_bytes
        self._streams: list[_Stream] = []  # most recently used last

    def on_read(self, start: int, stop: int) -> tuple[int, int] | None:
        """Return the span to begin fetching because [start, stop) is being read, or None.

        The span may include the read itself; it never overlaps what was returned for the same stream before.
        """
        stream = self._continued(start, stop)
        if stream is None:
            window = FIRST_WINDOW_BYTES if start == 0 else 0  # who starts at the beginning probably goes on
            stream = _Stream(stop, stop if not window else start, window)
            self._streams.append(stream)
            del self._streams[:-_STREAMS]
            return self._ask(stream, stop + window) if window else None
        self._streams.remove(stream)
        self._streams.append(stream)
        if stop <= stream.end:
            return None  # a read of the kernel's readahead that was overtaken
        stream.end = stop
        if stream.asked - stop >= stream.window // 2 and stream.asked > stop:
            return None  # enough is on its way; ask in large steps
        stream.window = min(max(2 * stream.window, FIRST_WINDOW_BYTES), self._largest)
        return self._ask(stream, stop + stream.window)

    def _continued(self, start: int, stop: int) -> _Stream | None:
        slack = max(_SLACK_BYTES, 8 * (stop - start)) if stop - start >= 32 << 10 else stop - start
        for stream in reversed(self._streams):
            if stream.end - slack <= start <= stream.end + (slack if stream.window else 0):
                return stream
        return None

    def _ask(self, stream: _Stream, wanted: int) -> tuple[int, int] | None:
        start, stop = stream.asked, min(wanted, self._size)
        if start >= stop:
            return None
        stream.asked = stop
        return start, stop
