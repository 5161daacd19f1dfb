"""Which options class belongs to which protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.storage_options.aws import AwsStorageOptions
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.generic import GenericStorageOptions
from fsspeckit_lib.storage_options.local import LocalStorageOptions, MemoryStorageOptions

__all__ = ["storage_options_for"]

_CLASSES: Mapping[str, type[BaseStorageOptions]] = {
    "s3": AwsStorageOptions,
    "file": LocalStorageOptions,
    "memory": MemoryStorageOptions,
}


def storage_options_for(
    protocol: str, options: BaseStorageOptions | Mapping[str, Any] | None = None
) -> BaseStorageOptions:
    """Return the typed options of `protocol` (canonical) from an options object, a dict, or nothing.

    Raises:
        UnknownName, InvalidValue: as the options class says.
    """
    if isinstance(options, BaseStorageOptions):
        return options
    return _CLASSES.get(protocol, GenericStorageOptions).from_mapping(protocol, dict(options or {}))
