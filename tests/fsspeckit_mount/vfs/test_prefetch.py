"""How far ahead to fetch: sequential readers get growing windows, random ones nothing."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_mount.vfs.prefetch import FIRST_WINDOW_BYTES, LARGEST_WINDOW_BYTES, STEP_BYTES, Prefetcher

_MIB = 1 << 20
_LARGE = 10_000 * _MIB


def _read_on(prefetcher: Prefetcher, start: int, stop: int, step: int) -> list[tuple[int, int]]:
    spans = (prefetcher.on_read(offset, min(offset + step, stop)) for offset in range(start, stop, step))
    return [span for span in spans if span is not None]


def test_the_window_grows_from_one_mib_to_64_mib_with_what_was_read() -> None:
    prefetcher = Prefetcher(_LARGE)
    asked, ahead = 0, []
    for offset in range(0, 400 * _MIB, _MIB):
        span = prefetcher.on_read(offset, offset + _MIB)
        if span is not None:
            assert span[0] == asked  # no hole, no overlap
            asked = span[1]
        ahead.append(asked - (offset + _MIB))
    assert ahead[0] == FIRST_WINDOW_BYTES
    assert max(ahead) <= LARGEST_WINDOW_BYTES + STEP_BYTES
    assert min(ahead[20:]) >= LARGEST_WINDOW_BYTES - STEP_BYTES
    for number, distance in enumerate(ahead):
        assert distance <= 4 * (number + 1) * _MIB + STEP_BYTES


def test_a_large_window_moves_in_whole_steps() -> None:
    spans = _read_on(Prefetcher(_LARGE), 0, 300 * _MIB, _MIB)
    assert all((stop - start) % STEP_BYTES == 0 for start, stop in spans[-10:])


def test_random_reads_fetch_nothing_ahead() -> None:
    prefetcher, chosen = Prefetcher(_LARGE), random.Random(3)
    for _ in range(500):
        start = 4096 * chosen.randrange(1, _LARGE // 4096 - 1)
        assert prefetcher.on_read(start, start + 4096) is None


def test_reading_on_from_the_middle_is_noticed_at_the_second_read() -> None:
    prefetcher = Prefetcher(_LARGE)
    assert prefetcher.on_read(500 * _MIB, 501 * _MIB) is None
    assert prefetcher.on_read(501 * _MIB, 502 * _MIB) == (501 * _MIB, 503 * _MIB)


def _read_chunk(prefetcher: Prefetcher, start: int, size: int) -> int:
    """Read as the kernel splits one large read(2); return how far beyond the chunk was asked for."""
    spans = [prefetcher.on_read(at, min(at + _MIB, start + size)) for at in range(start, start + size, _MIB)]
    return max([start + size, *(span[1] for span in spans if span is not None)]) - (start + size)


def test_who_begins_elsewhere_than_at_the_beginning_is_fetched_half_a_chunk_too_much_at_most() -> None:
    for size in (_MIB // 2, _MIB, 2 * _MIB, 5 * _MIB + 1, 30 * _MIB, 200 * _MIB):
        assert _read_chunk(Prefetcher(_LARGE), 500 * _MIB, size) <= size // 2


def test_chunks_of_a_length_that_was_seen_are_fetched_to_their_end_and_not_beyond() -> None:
    prefetcher = Prefetcher(_LARGE)
    assert prefetcher.on_read(_LARGE - 65536, _LARGE) is None  # the footer
    beyond = [_read_chunk(prefetcher, number * 400 * _MIB, 8 * _MIB + 4096 * number) for number in range(1, 8)]
    assert beyond[0] > 0
    assert max(beyond[1:]) <= 128 << 10
    prefetcher.on_read(0, _MIB)
    span = prefetcher.on_read(_MIB, 2 * _MIB)
    assert span is not None
    assert 8 * _MIB <= span[1] <= 8 * _MIB + 65536  # as long as the others, at once


def test_small_sequential_reads_grow_a_window_too() -> None:
    spans = _read_on(Prefetcher(_LARGE), 0, 64 * _MIB, 32 << 10)
    assert spans[-1][1] >= 96 * _MIB
    assert len(spans) < 100


def test_reads_of_the_kernels_readahead_may_overtake_each_other() -> None:
    prefetcher, chosen, asked = Prefetcher(_LARGE), random.Random(5), 0
    for block in range(0, 256, 4):
        order = list(range(block, block + 4))
        chosen.shuffle(order)
        for number in order:
            span = prefetcher.on_read(number * _MIB, (number + 1) * _MIB)
            if span is not None:
                assert span[0] == asked
                asked = span[1]
    assert asked >= 256 * _MIB + LARGEST_WINDOW_BYTES - STEP_BYTES


def test_a_beginning_that_was_overtaken_is_a_beginning() -> None:
    prefetcher = Prefetcher(_LARGE)
    assert prefetcher.on_read(_MIB // 8, _MIB // 4) is None
    asked = [prefetcher.on_read(0, _MIB // 8), *_read_on(prefetcher, _MIB // 4, 20 * _MIB, _MIB // 8)]
    assert max(span[1] for span in asked if span is not None) >= 64 * _MIB


def test_several_streams_of_one_handle_keep_their_own_windows() -> None:
    prefetcher = Prefetcher(_LARGE)
    starts = [0, 1000 * _MIB, 2000 * _MIB, 3000 * _MIB]
    asked = dict.fromkeys(starts, 0)
    for step in range(200):
        for start in starts:
            offset = start + step * _MIB
            span = prefetcher.on_read(offset, offset + _MIB)
            if span is not None:
                asked[start] = span[1] - start
    assert all(ahead >= 200 * _MIB + LARGEST_WINDOW_BYTES - STEP_BYTES for ahead in asked.values())


@given(
    st.integers(1, 200 * _MIB),
    st.lists(st.tuples(st.integers(0, 200 * _MIB), st.integers(1, 2 * _MIB)), max_size=60),
)
def test_what_is_asked_lies_in_the_file_and_is_not_empty(size: int, reads: list[tuple[int, int]]) -> None:
    prefetcher = Prefetcher(size)
    for start, length in reads:
        start %= size
        span = prefetcher.on_read(start, min(start + length, size))
        if span is not None:
            assert 0 <= span[0] < span[1] <= size
            assert span[1] - span[0] <= LARGEST_WINDOW_BYTES + STEP_BYTES + 20 * length
