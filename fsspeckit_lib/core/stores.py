"""From a URL to a data plane: `open_store`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.errors import GatewayError, Unsupported
from fsspeckit_lib.storage_options import AwsStorageOptions, BaseStorageOptions, GenericStorageOptions
from fsspeckit_lib.storage_options.registry import storage_options_for
from fsspeckit_lib.storage_options.uri import Location, parse_location

__all__ = ["open_store"]


def open_store(url: str, storage_options: BaseStorageOptions | Mapping[str, Any] | None = None) -> ObjectStore:
    """Return the storage rooted at a URL or local path. Makes no request.

    Args:
        url: `s3://bucket/prefix`, `file:///folder`, a local path, or any URL fsspec knows.
        storage_options: an options object, a dict, or None for the environment's.

    Raises:
        UnknownName: the scheme or an option is not known; names the nearest known one.
        InvalidValue: an option has a value it cannot have.
        Unsupported: the protocol's package is not installed; names it.
    """
    location = parse_location(url)
    options = storage_options_for(location.protocol, storage_options)
    if location.protocol == "file":
        from fsspeckit_lib.core.local_objects import LocalObjects

        return LocalObjects(location.path)
    if isinstance(options, AwsStorageOptions):
        from fsspeckit_lib.core.obstore_objects import ObstoreObjects

        parts = [location.bucket, *location.path.split("/")] if location.path else [location.bucket]
        native = options.to_obstore(location.bucket, location.path)
        return ObstoreObjects(native, "s3://" + "/".join(parts), (options.namespace(), *parts))
    return _open_fsspec(location, options)


def _open_fsspec(location: Location, options: BaseStorageOptions) -> ObjectStore:
    import fsspec

    from fsspeckit_lib.core.fsspec_objects import FsspecObjects

    kwargs = dict(options.options) if isinstance(options, GenericStorageOptions) else {}
    url = f"{location.protocol}://{location.path}"
    try:
        with translated(location.text):
            fs, root = fsspec.url_to_fs(url, **kwargs)
    except GatewayError as error:
        if isinstance(error.__cause__, ImportError):
            raise Unsupported(f"{location.text}: {error.__cause__}; install the package it names") from error
        raise
    shown = location.text.rstrip("/") if not location.text.endswith("://") else location.text
    return FsspecObjects(fs, root, shown, (location.protocol, *(part for part in root.split("/") if part)))
