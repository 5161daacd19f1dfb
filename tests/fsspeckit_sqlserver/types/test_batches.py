"""Batches are cut to what is asked for, and none of their rows is lost or repeated."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_sqlserver.types.batches import take_rows


@given(st.lists(st.integers(1, 9), max_size=6), st.lists(st.integers(1, 7), min_size=60, max_size=60))
def test_every_row_comes_once_and_in_order(sizes: list[int], asked: list[int]) -> None:
    rows = iter(range(sum(sizes)))
    left = [pa.record_batch({"x": [next(rows) for _ in range(size)]}) for size in sizes]
    found: list[int] = []
    for most in asked:
        batch = take_rows(left, most)
        if batch is None:
            break
        assert 1 <= batch.num_rows <= most
        found += batch.column("x").to_pylist()
    assert found == list(range(sum(sizes)))
    assert take_rows(left, 1) is None
