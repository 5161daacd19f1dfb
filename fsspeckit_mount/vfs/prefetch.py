"""How far ahead of a reader to fetch.

Pure: told of every read of one handle, answers which span to begin fetching. A handle may carry several sequential
streams at once (threads that read the column chunks of one parquet file), so the last few positions are remembered and
each has its own window: four times what the stream has read so far, at least 1 and at most 64 MiB. So the window
doubles whenever the distance read has doubled, and what is fetched in vain stays in proportion to what was wanted. A
read that continues no stream fetches nothing but itself. Spans are half-open `[start, stop)` in bytes.

A handle whose first read is at the end of the file belongs to a format with a footer there (parquet, ORC, ZIP): that
read takes the last 512 KiB along, which hold nearly every footer, and a read at the beginning (of a magic number)
is then no reason to expect the rest.

Who begins elsewhere than at the beginning knows what it wants (from such a footer, which pyarrow reads through a handle
of its own) and jumps from chunk to chunk, mostly of alike lengths. So a stream of such a handle is expected to end
where others did, and ahead of one that is longer than all others only half of what it has read is fetched. One column
of twenty, 10 MB in chunks of 2 MB: 12 MB are fetched, and not 50.

Reads come out of order where the kernel sends those of its own readahead side by side: a read continues a stream when
it starts anywhere near the stream's end, not exactly there.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIRST_WINDOW_BYTES", "LARGEST_WINDOW_BYTES", "STEP_BYTES", "Prefetcher"]

FIRST_WINDOW_BYTES = 1 << 20
LARGEST_WINDOW_BYTES = 64 << 20
STEP_BYTES = 16 << 20
"""Large windows move on in whole steps, so that each becomes one large request."""
_GROWTH = 4
_STREAMS = 8
_LARGE_READ_BYTES = 32 << 10
_RANDOM_BLOCK_BYTES = 128 << 10
"""What a small read elsewhere in an incomplete file fetches: on a network a round trip costs more than these bytes."""
_FOOTER_BYTES = 512 << 10
_FOOTER_READ_BYTES = 64 << 10
"""A first read that begins so near the end looks for a footer: pyarrow reads 64 KiB, DuckDB 8 bytes or 16 KiB."""


@dataclass(slots=True)
class _Stream:
    """One sequential reader: it began at `start`, has read up to `end`, and has asked for what lies before `asked`."""

    start: int
    end: int
    asked: int
    window: int


class Prefetcher:
    """The policy of one handle. Not thread-safe: called by who answers the kernel, one read after the other."""

    def __init__(self, size_bytes: int) -> None:
        self._size = size_bytes
        self._streams: list[_Stream] = []  # most recently used last
        self._is_first = True
        self._has_footer = False
        self._is_guided = False

    def on_read(self, start: int, stop: int) -> tuple[int, int] | None:
        """Return the span to begin fetching because [start, stop) is being read, or None.

        The span may include the read itself; it never overlaps what was returned for the same stream before.
        """
        if self._is_first:
            self._is_first = False
            self._is_guided = start > 0
            self._has_footer = 0 < self._size - _FOOTER_READ_BYTES <= start
        if start == 0 and not self._has_footer:
            self._is_guided = False  # a read of the kernel's readahead had overtaken the one at the beginning
        stream = self._continued(start, stop)
        if stream is None:
            return self._begin(start, stop)
        self._streams.remove(stream)
        self._streams.append(stream)
        if stop <= stream.end:
            return None  # a read of the kernel's readahead that was overtaken by a later one
        stream.end = stop
        stream.asked = max(stream.asked, start)
        stream.window = self._window(stream)
        if stream.asked - stop >= stream.window - min(stream.window // 4, STEP_BYTES):
            return None  # enough is on its way
        return self._ask(stream)

    def worth_fetching(self, start: int, stop: int) -> tuple[int, int]:
        """Return the span to fetch now for a read of [start, stop): a small one takes its surroundings along."""
        if self._has_footer and start >= self._size - _FOOTER_BYTES:
            return max(0, self._size - _FOOTER_BYTES), self._size
        if stop - start >= _RANDOM_BLOCK_BYTES:
            return start, stop
        block = start - start % _RANDOM_BLOCK_BYTES
        return block, min(-(-stop // _RANDOM_BLOCK_BYTES) * _RANDOM_BLOCK_BYTES, self._size)

    def _begin(self, start: int, stop: int) -> tuple[int, int] | None:
        stream = _Stream(start, stop, start, FIRST_WINDOW_BYTES if start == 0 and not self._has_footer else 0)
        self._streams.append(stream)
        del self._streams[:-_STREAMS]
        if stream.window:  # who starts at the beginning probably goes on
            return self._ask(stream)
        stream.asked = stop
        return None

    def _window(self, stream: _Stream) -> int:
        distance = stream.end - stream.start
        if not self._is_guided:
            return min(max(_GROWTH * distance, FIRST_WINDOW_BYTES), LARGEST_WINDOW_BYTES)
        lengths = [other.end - other.start for other in self._streams if other is not stream]
        if any(length <= distance <= length + length // 4 for length in lengths):
            return 0  # about as long as a chunk that was read to its end
        longer = min((length - distance for length in lengths if length > distance), default=distance // 2)
        return min(max(longer, _RANDOM_BLOCK_BYTES), _GROWTH * distance, LARGEST_WINDOW_BYTES)

    def _continued(self, start: int, stop: int) -> _Stream | None:
        length = stop - start
        slack = 8 * length if length >= _LARGE_READ_BYTES else length
        for stream in reversed(self._streams):
            if stream.end - slack <= start <= stream.end + (slack if stream.window else 0):
                return stream
        return None

    def _ask(self, stream: _Stream) -> tuple[int, int] | None:
        wanted = stream.end + stream.window
        if stream.window >= STEP_BYTES and not self._is_guided:
            wanted = -(-wanted // STEP_BYTES) * STEP_BYTES
        start, stop = stream.asked, min(wanted, self._size)
        if start >= stop:
            return None
        stream.asked = stop
        return start, stop
