"""Arrow's compute functions, as a type checker can take them.

`pyarrow.compute` makes its functions when it is imported, so no checker knows them by name; this is the one place that
says so. `pc.cast`, `pc.is_valid`, … as usual.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow.compute

__all__ = ["pc"]

pc: Final[Any] = pyarrow.compute
