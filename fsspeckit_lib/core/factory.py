"""`filesystem()`: one way to an fsspec filesystem for any storage."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import fsspec

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.copying import RootedFileSystem
from fsspeckit_lib.core.host_filesystem import host_filesystem
from fsspeckit_lib.core.local_filesystem import LocalFileSystem
from fsspeckit_lib.core.moves import MemoryFileSystem
from fsspeckit_lib.core.obstore_filesystem import (
    AzureObjectFileSystem,
    GcsObjectFileSystem,
    ObstoreFileSystem,
    S3ObjectFileSystem,
)
from fsspeckit_lib.core.store_filesystem import StoreFileSystem
from fsspeckit_lib.core.stores import HOSTED, open_store
from fsspeckit_lib.errors import GatewayError, Unsupported
from fsspeckit_lib.storage_options.base import BaseStorageOptions, from_room_above
from fsspeckit_lib.storage_options.registry import options_for_location, storage_options_for
from fsspeckit_lib.storage_options.uri import Location, canonical_protocol, is_known_protocol, parse_location

__all__ = ["filesystem"]

_OBSTORE: Mapping[str, type[ObstoreFileSystem]] = {
    "s3": S3ObjectFileSystem,
    "gs": GcsObjectFileSystem,
    "az": AzureObjectFileSystem,
}


@shielded
def filesystem(
    protocol_or_uri: str,
    storage_options: BaseStorageOptions | Mapping[str, Any] | None = None,
    cached: bool = False,
    cache_storage: str | None = None,
    dirfs: bool = True,
    **options: Any,
) -> fsspec.AbstractFileSystem:
    """Return an fsspec filesystem for a protocol, a URL or a local path.

    Args:
        protocol_or_uri: `s3` or `memory` for the whole of a storage; `s3://bucket/prefix` or `/folder` for a part.
        storage_options: an options object, its dict, or None for what the environment says.
        cached: keep what is read in a cache folder that several processes may share.
        cache_storage: that folder; `~/.cache/fsspeckit` by default. Naming one means `cached`.
        dirfs: root the filesystem at the URL's path, so that `fs.ls("")` lists it; False leaves full paths.
        options: single options, by name: `filesystem("s3", region="eu-west-1")`; they win over `storage_options`.

    Raises:
        UnknownName: an unknown scheme or option; names the nearest known one.
        InvalidValue: an option has a value it cannot have.
        Unsupported: the protocol's package is not installed; names it.
    """
    given = storage_options
    if options:
        known = given.to_dict() if isinstance(given, BaseStorageOptions) else dict(given or {})
        given = {**known, **options}
    if is_known_protocol(protocol_or_uri):
        location = Location(canonical_protocol(protocol_or_uri), "", "", protocol_or_uri)
        typed = storage_options_for(location.protocol, given)
    else:
        location = parse_location(protocol_or_uri)
        typed = options_for_location(location, given)
    fs: fsspec.AbstractFileSystem
    if location.protocol in HOSTED:
        fs, root = host_filesystem(location, typed, dirfs), ""
    else:
        fs, root = _plain(location, typed)
    if cached or cache_storage is not None:
        folder = os.path.abspath(os.path.expanduser(cache_storage or "~/.cache/fsspeckit"))
        mapper = from_room_above("cache", "FileNameCacheMapper")(folder)
        fs = from_room_above("cache", "MonitoredSimpleCacheFileSystem")(fs=fs, cache_mapper=mapper)
    return RootedFileSystem(path=root, fs=fs) if dirfs and root else fs  # type: ignore[no-untyped-call]


def _plain(location: Location, options: BaseStorageOptions) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return the filesystem of a whole storage, and where in it the location is."""
    root = "/".join(part for part in (location.bucket, location.path) if part)
    of_obstore = _OBSTORE.get(location.protocol)
    if of_obstore is not None:
        return of_obstore(options), root
    own = getattr(options, "to_fsspec", None)
    if own is not None:
        return own(location), ""
    to_store = getattr(options, "to_store", None)
    if to_store is not None:
        return StoreFileSystem(to_store(location)), ""
    if location.protocol in {"http", "https"} and location.path:
        return StoreFileSystem(open_store(location.address, options)), ""
    kwargs = options.to_fsspec_kwargs()
    if location.protocol == "file":
        return LocalFileSystem(**kwargs, auto_mkdir=True), root  # type: ignore[no-untyped-call]
    if location.protocol == "memory":
        return MemoryFileSystem(**kwargs), f"/{root.strip('/')}" if root else ""  # type: ignore[no-untyped-call]
    try:
        with translated(location.text):
            if location.path:
                fs, root = fsspec.url_to_fs(location.address, **kwargs)
            else:
                fs = fsspec.filesystem(location.protocol, **kwargs)
    except GatewayError as error:
        if isinstance(error.__cause__, ImportError):
            raise Unsupported(f"{location.text}: {error.__cause__}; install the package it names") from error
        raise
    return fs, root
