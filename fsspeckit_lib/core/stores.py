"""From a URL to a data plane: `open_store`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.endpoints import Endpoint, endpoint_for
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.errors import GatewayError, ShortRead, Unavailable, Unsupported
from fsspeckit_lib.storage_options.aws import AwsStorageOptions
from fsspeckit_lib.storage_options.azure import AzureStorageOptions
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.client import ClientStorageOptions
from fsspeckit_lib.storage_options.gcs import GcsStorageOptions
from fsspeckit_lib.storage_options.http import HttpStorageOptions
from fsspeckit_lib.storage_options.registry import options_for_location
from fsspeckit_lib.storage_options.uri import Location, parse_location

__all__ = ["HOSTED", "open_store", "store_at"]

HOSTED = frozenset({"sftp", "ftp"})
"""Protocols of one connection, which takes one request at a time."""


@shielded
def open_store(url: str, storage_options: BaseStorageOptions | Mapping[str, Any] | None = None) -> ObjectStore:
    """Return the storage rooted at a URL or local path. Makes no request.

    Args:
        url: `s3://bucket/prefix`, `gs://…`, `az://…`, `https://host/folder`, `gitlab://group/project@ref`, a local
            path, or any URL that fsspec knows.
        storage_options: an options object, its dict, or None for the environment's.

    Raises:
        UnknownName: the scheme or an option is not known; names the nearest known one.
        InvalidValue: an option has a value it cannot have.
        Unsupported: the protocol's package is not installed; names it.
    """
    location = parse_location(url)
    return store_at(location, options_for_location(location, storage_options))


def store_at(location: Location, options: BaseStorageOptions) -> ObjectStore:
    """Return the storage rooted at a place, with its typed options: `open_store` for what was parsed already."""
    to_store = getattr(options, "to_store", None)
    if to_store is not None:
        store: ObjectStore = to_store(location)
        return store
    if location.protocol == "file":
        from fsspeckit_lib.core.local_objects import LocalObjects

        return LocalObjects(location.path)
    if isinstance(options, AwsStorageOptions | GcsStorageOptions | AzureStorageOptions):
        from fsspeckit_lib.core.obstore_objects import ObstoreObjects
        from fsspeckit_lib.core.s3_listing import nameable_lister

        parts = [location.bucket, *location.path.split("/")] if location.path else [location.bucket]
        namespace = options.namespace()
        native = options.to_obstore(location.bucket, location.path)
        shown = f"{location.protocol}://" + "/".join(parts)
        lister = (
            nameable_lister(options, location.bucket, location.path) if isinstance(options, AwsStorageOptions) else None
        )
        endpoint = _endpoint(namespace, options)
        return ObstoreObjects(native, shown, (namespace, *parts), endpoint, list_nameable=lister)
    if isinstance(options, HttpStorageOptions):
        from fsspeckit_lib.core.http_objects import HttpObjects

        return HttpObjects(location.address, options, location.text, _endpoint(_host(location), options))
    return _open_fsspec(location, options)


def _endpoint(name: str, options: ClientStorageOptions) -> Endpoint:
    return endpoint_for(name, max_concurrency=options.max_concurrency, retries=min(options.max_retries, 3))


def _host(location: Location) -> str:
    return f"{location.protocol}-{location.path.partition('/')[0].replace(':', '-')}"


def _open_fsspec(location: Location, options: BaseStorageOptions) -> ObjectStore:
    import fsspec

    from fsspeckit_lib.core.connections import Reconnecting, connect
    from fsspeckit_lib.core.fsspec_objects import FsspecObjects

    connection: Reconnecting | None = None
    try:
        with translated(location.text):
            kwargs = options.to_fsspec_kwargs()
            if location.protocol in HOSTED:
                fs, root = connect(location.protocol, kwargs), location.path
                connection = Reconnecting(lambda: connect(location.protocol, kwargs), fs)
            else:
                fs, root = fsspec.url_to_fs(location.address, **kwargs)
    except GatewayError as error:
        if isinstance(error.__cause__, ImportError):
            raise Unsupported(f"{location.text}: {error.__cause__}; install the package it names") from error
        raise
    shown = location.text.rstrip("/") if not location.text.endswith("://") else location.text
    namespace = options.namespace()
    # one connection of paramiko or ftplib takes one request at a time; threads that share it wait for ever
    at_once = 1 if location.protocol in HOSTED else 32
    endpoint = endpoint_for(namespace, max_concurrency=at_once, retryable=(Unavailable, ShortRead), survives_fork=True)
    parts = (part for part in root.split("/") if part)
    return FsspecObjects(fs, root, shown, (namespace, *parts), endpoint, connection)
