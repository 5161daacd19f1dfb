"""From a URL to a data plane: `open_store`, and the one request that tells whether it answers."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.objects import DirectoryInfo, ObjectStore
from fsspeckit_lib.errors import GatewayError, NotADirectory, NotFound, Unsupported
from fsspeckit_lib.storage_options import AwsStorageOptions, BaseStorageOptions, GenericStorageOptions
from fsspeckit_lib.storage_options.registry import storage_options_for
from fsspeckit_lib.storage_options.uri import Location, parse_location

__all__ = ["check_store", "open_store"]


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


def check_store(store: ObjectStore) -> None:
    """Make sure that the storage answers and its root is there, with the smallest request that tells.

    Raises:
        NotFound: no such bucket or directory.
        NotADirectory: the root is a file.
        AccessDenied, Unavailable: the storage refused, or could not be reached.
    """
    from fsspeckit_lib.core.obstore_objects import ObstoreObjects, UnnameableKey

    if isinstance(store, ObstoreObjects):
        with contextlib.suppress(UnnameableKey):  # it answered
            next(iter(store.list_recursive("")), None)  # an S3 prefix need not exist, its bucket must
        return
    try:
        entry = store.stat("")
    except NotFound as error:
        raise NotFound(f"{store.url}: no such directory; create it, or check the spelling") from error
    if not isinstance(entry, DirectoryInfo):
        raise NotADirectory(f"{store.url}: is a file, a directory or bucket was wanted; name the folder it lies in")


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
