"""`filesystem()`: one way to an fsspec filesystem for any storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec.implementations.dirfs import DirFileSystem

from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.obstore_filesystem import ObstoreFileSystem
from fsspeckit_lib.storage_options import AwsStorageOptions, BaseStorageOptions, GenericStorageOptions
from fsspeckit_lib.storage_options.registry import storage_options_for
from fsspeckit_lib.storage_options.uri import Location, is_known_protocol, parse_location

__all__ = ["filesystem"]


def filesystem(
    protocol_or_uri: str,
    storage_options: BaseStorageOptions | Mapping[str, Any] | None = None,
    *,
    dirfs: bool = True,
) -> fsspec.AbstractFileSystem:
    """Return an fsspec filesystem for a protocol, a URL or a local path.

    Args:
        protocol_or_uri: `s3` or `memory` for the whole of a storage; `s3://bucket/prefix` or `/folder` for a part.
        storage_options: an options object, its dict, or None for what the environment says.
        dirfs: root the filesystem at the URL's path, so that `fs.ls("")` lists it; False leaves full paths.

    Raises:
        UnknownName: an unknown scheme or option; names the nearest known one.
        InvalidValue: an option has a value it cannot have.
        Unsupported: the protocol's package is not installed; names it.
    """
    if is_known_protocol(protocol_or_uri):
        location = _whole(protocol_or_uri)
    else:
        location = parse_location(protocol_or_uri)
    options = storage_options_for(location.protocol, storage_options)
    root = "/".join(part for part in (location.bucket, location.path) if part)
    fs: fsspec.AbstractFileSystem
    if isinstance(options, AwsStorageOptions):
        fs = ObstoreFileSystem(options)
    else:
        kwargs = dict(options.options) if isinstance(options, GenericStorageOptions) else {}
        with translated(location.text):
            if location.path and location.protocol != "file":
                fs, root = fsspec.url_to_fs(f"{location.protocol}://{location.path}", **kwargs)
            else:
                fs = fsspec.filesystem(location.protocol, **kwargs)
    return DirFileSystem(path=root, fs=fs) if dirfs and root else fs


def _whole(protocol: str) -> Location:
    canonical = {"s3a": "s3", "local": "file"}.get(protocol.lower(), protocol.lower())
    return Location(canonical, "", "", protocol)
