"""The `storages:` of fsspeckit.yaml: what each one names, checked when the file is read and opened when it is used.

A storage is a protocol, a place (`bucket`, `container`, `path` or `url`) and the options of its provider, under any of
their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput, Unsupported
from fsspeckit_lib.storage_options import BaseStorageOptions, canonical_protocol, merge_storage_options
from fsspeckit_lib.storage_options.registry import storage_options_for
from fsspeckit_lib.storage_options.uri import is_known_protocol, known_protocols, parse_location

__all__ = ["check_storages", "open_storage"]

_PLACE = ("bucket", "container", "path", "url")
_ROOTED = {"sftp", "ftp"}
"""Protocols whose URL names the host first: a path alone goes behind an empty one."""


@shielded
def check_storages(storages: Mapping[str, Mapping[str, Any]], where: str) -> None:
    """Make sure that each storage has a known protocol, known options, and values that they can have.

    Args:
        where: the start of an error's text: `configuration fsspeckit.yaml`.

    Raises:
        UnknownName, InvalidValue, BadInput: names the storage.
        Unsupported: a plugin's protocol whose plugin cannot be loaded.
    """
    for name, named in storages.items():
        _typed(name, named, where)


@shielded
def open_storage(name: str, named: Mapping[str, Any], path: str, options: Mapping[str, Any]) -> ObjectStore:
    """Return the store rooted at `path` below a storage; `options` win over its own. Makes no request.

    Raises:
        UnknownName, InvalidValue, BadInput, Unsupported: names the storage.
    """
    typed = _typed(name, named, "configuration")
    try:
        merged = merge_storage_options(typed, options)
        url = _url(named)
        return open_store(f"{url.rstrip('/')}/{path.strip('/')}" if path.strip("/") else url, merged)
    except (BadInput, Unsupported) as error:
        raise type(error)(f"configuration: storages.{name}: {error}") from error


def _typed(name: str, named: Mapping[str, Any], where: str) -> BaseStorageOptions:
    place = f"{where}: storages.{name}"
    protocol = str(named.get("protocol") or "")
    if not protocol:
        raise BadInput(f"{place}: found no protocol, wanted one such as s3 or file")
    if not is_known_protocol(protocol):
        raise unknown_name(place, "scheme", protocol, known_protocols())
    try:
        if "://" in str(named.get("url") or named.get("path") or ""):
            parse_location(_url(named))
        return storage_options_for(protocol, {key: value for key, value in named.items() if key not in _PLACE})
    except (BadInput, Unsupported) as error:
        raise type(error)(f"{place}: {error}") from error


def _url(named: Mapping[str, Any]) -> str:
    """Return the URL of a storage's root."""
    protocol = str(named["protocol"]).lower()
    parts = [str(named[key]) for key in ("bucket", "container", "path") if named.get(key)]
    root = str(named["url"]) if named.get("url") else "/".join([*(part.strip("/") for part in parts[:-1]), *parts[-1:]])
    if "://" in root:
        return root
    if canonical_protocol(protocol) in _ROOTED:
        return f"{protocol}:///{root.lstrip('/')}"
    return f"{protocol}://{root}"
