"""Which blocks of one remote file are already on the local disk.

Pure: works on bytes, one a block, 1 is present. Scans run in C (`find`); no loop here runs once per block. Offsets are
bytes, block spans and byte spans are half-open `[start, stop)`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from fsspeckit_lib.cache.config import BLOCK_BYTES

__all__ = ["Span", "block_span", "count_blocks", "gaps", "split", "subtract"]

Span = tuple[int, int]


def count_blocks(size_bytes: int) -> int:
    """Return how many blocks a file of that size has; the last may be short."""
    return -(-size_bytes // BLOCK_BYTES)


def block_span(start: int, stop: int) -> Span:
    """Return the blocks that the bytes [start, stop) touch."""
    return start // BLOCK_BYTES, -(-stop // BLOCK_BYTES)


def gaps(flags: bytes, span: Span) -> list[Span]:
    """Return the maximal runs of missing blocks in the span, in order."""
    found: list[Span] = []
    start, stop = span
    while start < stop:
        start = flags.find(b"\0", start, stop)
        if start < 0:
            break
        end = flags.find(b"\1", start, stop)
        end = stop if end < 0 else end
        found.append((start, end))
        start = end
    return found


def subtract(span: Span, taken: Iterable[Span]) -> list[Span]:
    """Return what is left of `span` without the spans in `taken` (in any order, disjoint), in order."""
    left: list[Span] = []
    start, stop = span
    for taken_start, taken_stop in sorted(taken):
        if taken_stop <= start or taken_start >= stop:
            continue
        if taken_start > start:
            left.append((start, taken_start))
        start = max(start, taken_stop)
    if start < stop:
        left.append((start, stop))
    return left


def split(span: Span, most: int) -> list[Span]:
    """Cut a span at multiples of `most` blocks, so that parallel readers agree on the parts."""
    start, stop = span
    cuts = [start, *range((start // most + 1) * most, stop, most), stop]
    return list(itertools.pairwise(cuts))
