"""What is known of one column in many units at once (files, or row groups of files).

Pure values in Arrow arrays, so that one predicate is evaluated over ten thousand units with a few kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

__all__ = ["Bounds", "BoundsOf"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one column in n units, in the ticks of its domain.

    Attributes:
        lower: int64, float64 or binary; every non-NULL, non-NaN value of the unit is >= it. Null where not known.
        upper: likewise, <=.
        null_count: int64; NULLs in the unit. Null where not known.
        rows: int64; rows in the unit.
    """

    lower: pa.Array
    upper: pa.Array
    null_count: pa.Array
    rows: pa.Array

    def take(self, indices: pa.Array) -> Bounds:
        """Return the bounds of some units, in that order."""
        return Bounds(*(array.take(indices) for array in (self.lower, self.upper, self.null_count, self.rows)))


BoundsOf: TypeAlias = Callable[[str], Bounds | None]
"""Column name → its bounds, or None where nothing is known of it."""
