"""The map of a sparse file against an independent oracle, a set of block numbers; and a map that somebody cut."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_lib.cache.blocks import Span
from fsspeckit_lib.cache.presence import PresenceMap

COUNT = 150_000  # more than are read at once
edges = st.one_of(st.integers(0, COUNT), st.integers(65_500, 65_570), st.integers(0, 40))
spans = st.tuples(edges, edges).map(lambda pair: (min(pair), max(pair)))


@contextmanager
def _map() -> Iterator[PresenceMap]:
    with tempfile.TemporaryFile() as file:
        file.truncate(COUNT)
        yield PresenceMap(file.fileno(), COUNT)


@given(st.lists(spans, max_size=8), spans)
def test_gaps_are_what_was_never_marked(marked: list[Span], wanted: Span) -> None:
    present: set[int] = set()
    with _map() as presence:
        for span in marked:
            presence.mark(span)
            present |= set(range(*span))
        found = presence.gaps(wanted)
        assert {block for gap in found for block in range(*gap)} == set(range(*wanted)) - present
        assert all(start < stop for start, stop in found)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(found))  # maximal
        assert presence.is_present(wanted) == (not found)
        assert presence.is_whole() == (len(present) == COUNT)


def test_it_is_whole_only_when_all_is_there_at_the_end() -> None:
    with _map() as presence:
        other = PresenceMap(os.dup(presence.descriptor), COUNT)  # of another process
        presence.mark((0, 100_000))
        assert not presence.is_whole()
        other.clear()
        presence.mark((100_000, COUNT))
        assert not presence.is_whole()
        other.mark((0, 100_000))
        assert presence.is_whole()
        other.close()


def test_what_was_cut_is_missing_and_can_be_marked_again() -> None:
    with _map() as presence:
        presence.mark((0, COUNT))
        os.ftruncate(presence.descriptor, 70_000)
        assert not presence.is_whole()
        assert presence.gaps((60_000, COUNT)) == [(70_000, COUNT)]
        presence.mark((80_000, COUNT))
        assert presence.gaps((0, COUNT)) == [(70_000, 80_000)]
