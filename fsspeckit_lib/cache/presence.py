"""The map of one sparse file: which blocks are here, as every process sees it at once.

One byte a block in a file beside the data, 1 is present. It is read and written by pread(2) and pwrite(2), 1 us each,
not mapped: who cut the file while it is mapped would kill every process that looks. What was cut counts as missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from fsspeckit_lib.cache import blocks
from fsspeckit_lib.cache.blocks import Span

__all__ = ["PresenceMap"]

_CHUNK_BLOCKS = 64 << 10  # read at once: 256 MiB of the file


class PresenceMap:
    """The blocks [0, `count`) of one file; owns the map's descriptor. Safe from any thread."""

    def __init__(self, descriptor: int, count: int) -> None:
        self.descriptor = descriptor
        self._count = count
        self._seen = 0  # no gap was seen before this block

    def is_present(self, span: Span) -> bool:
        """Tell whether every block of the span is present."""
        return self._first_gap(span) is None

    def is_whole(self) -> bool:
        """Tell whether every block is present. Looks at what was present before only once all the rest is."""
        if not self.is_present((self._seen, min(self._seen + 1, self._count))):
            return False
        for start in dict.fromkeys((self._seen, 0)):
            gap = self._first_gap((start, self._count))
            if gap is not None:
                self._seen = gap
                return False
        return True

    def gaps(self, span: Span) -> list[Span]:
        """Return the maximal runs of missing blocks in the span, in order."""
        found: list[Span] = []
        for first, flags in self._chunks(span):
            for start, stop in blocks.gaps(flags, (0, len(flags))):
                if found and found[-1][1] == first + start:
                    found[-1] = (found[-1][0], first + stop)
                else:
                    found.append((first + start, first + stop))
        return found

    def mark(self, span: Span) -> None:
        """Claim the blocks of the span. The caller has already written their bytes."""
        os.pwrite(self.descriptor, b"\1" * (span[1] - span[0]), span[0])

    def clear(self) -> None:
        """Claim nothing any more."""
        for first, flags in self._chunks((0, self._count)):
            os.pwrite(self.descriptor, bytes(len(flags)), first)
        self._seen = 0

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)

    def _first_gap(self, span: Span) -> int | None:
        for first, flags in self._chunks(span):
            at = flags.find(b"\0")
            if at >= 0:
                return first + at
        return None

    def _chunks(self, span: Span) -> Iterator[tuple[int, bytes]]:
        """Yield the flags of the span, in order, with the number of their first block."""
        for first in range(*span, _CHUNK_BLOCKS):
            wanted = min(_CHUNK_BLOCKS, span[1] - first)
            yield first, os.pread(self.descriptor, wanted, first).ljust(wanted, b"\0")
