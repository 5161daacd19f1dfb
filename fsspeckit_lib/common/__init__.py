"""What several rooms need and no room owns.

The helpers for programs are here by name: `from fsspeckit_lib.common import sync_dir`. Each is imported on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsspeckit_lib.common.circuit_breaker import CircuitBreaker as CircuitBreaker
    from fsspeckit_lib.common.parallel import run_parallel as run_parallel
    from fsspeckit_lib.common.retry import retry_with_backoff as retry_with_backoff
    from fsspeckit_lib.common.sync import SyncIncomplete as SyncIncomplete
    from fsspeckit_lib.common.sync import SyncResult as SyncResult
    from fsspeckit_lib.common.sync import sync_dir as sync_dir
    from fsspeckit_lib.common.times import timestamp_from_string as timestamp_from_string

__all__ = [
    "CircuitBreaker",
    "SyncIncomplete",
    "SyncResult",
    "retry_with_backoff",
    "run_parallel",
    "sync_dir",
    "timestamp_from_string",
]

_MODULES = {
    "CircuitBreaker": "circuit_breaker",
    "SyncIncomplete": "sync",
    "SyncResult": "sync",
    "retry_with_backoff": "retry",
    "run_parallel": "parallel",
    "sync_dir": "sync",
    "timestamp_from_string": "times",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"fsspeckit_lib.common.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
