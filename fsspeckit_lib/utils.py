"""The names that users of the older library import from here. Each access says where the name lives now."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

__all__ = [  # noqa: F822 - __getattr__ has them
    "AwsStorageOptions",
    "AzureStorageOptions",
    "BaseStorageOptions",
    "CircuitBreaker",
    "GcsStorageOptions",
    "GitHubStorageOptions",
    "GitLabStorageOptions",
    "LocalStorageOptions",
    "StorageOptions",
    "filesystem",
    "from_dict",
    "from_env",
    "infer_protocol_from_uri",
    "merge_storage_options",
    "retry_with_backoff",
    "run_parallel",
    "storage_options_from_uri",
    "sync_dir",
    "timestamp_from_string",
]

_PLACES = {
    "CircuitBreaker": "fsspeckit_lib.common.circuit_breaker",
    "filesystem": "fsspeckit_lib.core",
    "retry_with_backoff": "fsspeckit_lib.common.retry",
    "run_parallel": "fsspeckit_lib.common.parallel",
    "sync_dir": "fsspeckit_lib.common.sync",
    "timestamp_from_string": "fsspeckit_lib.common.times",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = _PLACES.get(name, "fsspeckit_lib.storage_options")
    warnings.warn(f"{__name__}.{name} has moved: from {place} import {name}", DeprecationWarning, stacklevel=2)
    return getattr(importlib.import_module(place), name)


def __dir__() -> list[str]:
    return sorted(__all__)
