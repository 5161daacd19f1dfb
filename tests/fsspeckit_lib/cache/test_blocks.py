"""Block spans against an independent oracle: a set of block numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_lib.cache import blocks
from fsspeckit_lib.cache.config import BLOCK_BYTES

COUNT = 40
spans = st.tuples(st.integers(0, COUNT), st.integers(0, COUNT)).map(lambda pair: (min(pair), max(pair)))


@given(spans, st.lists(spans, max_size=5))
def test_subtract(span: blocks.Span, taken: list[blocks.Span]) -> None:
    left = blocks.subtract(span, taken)
    expected = set(range(*span)) - {block for one in taken for block in range(*one)}
    assert [block for piece in left for block in range(*piece)] == sorted(expected)


@given(spans.filter(lambda span: span[0] < span[1]), st.integers(1, 10))
def test_split_cuts_at_multiples(span: blocks.Span, most: int) -> None:
    parts = blocks.split(span, most)
    assert [block for part in parts for block in range(*part)] == list(range(*span))
    assert all(start % most == 0 for start, _ in parts[1:])
    assert all(0 < stop - start <= most for start, stop in parts)


@given(st.integers(0, 1 << 20), st.integers(1, 1 << 16))
def test_block_span_covers_the_bytes_and_no_more(start: int, length: int) -> None:
    first, last = blocks.block_span(start, start + length)
    assert first * BLOCK_BYTES <= start < (first + 1) * BLOCK_BYTES
    assert (last - 1) * BLOCK_BYTES < start + length <= last * BLOCK_BYTES
