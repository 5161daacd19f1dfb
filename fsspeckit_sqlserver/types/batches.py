"""Batches that wait to be fetched, cut to what is asked for. Pure."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["take_rows"]


def take_rows(left: list[pa.RecordBatch], max_rows: int) -> pa.RecordBatch | None:
    """Remove and return the next rows, at most `max_rows` and of one batch; None when there are none left."""
    if not left:
        return None
    batch = left.pop(0)
    if batch.num_rows > max_rows:
        left.insert(0, batch.slice(max_rows))
        return batch.slice(0, max_rows)
    return batch
