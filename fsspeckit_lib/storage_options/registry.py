"""Which options class belongs to which protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.aws import AwsStorageOptions
from fsspeckit_lib.storage_options.azure import AzureStorageOptions
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.gcs import GcsStorageOptions
from fsspeckit_lib.storage_options.generic import GenericStorageOptions
from fsspeckit_lib.storage_options.github import GitHubStorageOptions
from fsspeckit_lib.storage_options.gitlab import GitLabStorageOptions
from fsspeckit_lib.storage_options.hosts import FtpStorageOptions, SftpStorageOptions
from fsspeckit_lib.storage_options.http import HttpStorageOptions
from fsspeckit_lib.storage_options.local import LocalStorageOptions, MemoryStorageOptions
from fsspeckit_lib.storage_options.plugins import plugin_class
from fsspeckit_lib.storage_options.uri import Location, canonical_protocol, known_protocols

__all__ = ["check_protocol", "is_built_in", "options_class_for", "options_for_location", "storage_options_for"]

_CLASSES: Mapping[str, type[BaseStorageOptions]] = {
    "s3": AwsStorageOptions,
    "gs": GcsStorageOptions,
    "az": AzureStorageOptions,
    "http": HttpStorageOptions,
    "https": HttpStorageOptions,
    "sftp": SftpStorageOptions,
    "ftp": FtpStorageOptions,
    "file": LocalStorageOptions,
    "github": GitHubStorageOptions,
    "gitlab": GitLabStorageOptions,
    "memory": MemoryStorageOptions,
}


def is_built_in(protocol: str) -> bool:
    """Tell whether this library has a class of its own for a protocol or an alias of one."""
    return canonical_protocol(protocol) in _CLASSES


def options_class_for(protocol: str) -> type[BaseStorageOptions]:
    """Return the options class of a protocol, by any of its names; GenericStorageOptions for fsspec's others.

    Raises:
        UnknownName: nobody knows the protocol; names the nearest known one.
        Unsupported: it is a plugin's, and the plugin cannot be loaded.
    """
    name = canonical_protocol(protocol)
    found = _CLASSES.get(name) or plugin_class(name)
    if found is None and name not in known_protocols():
        raise unknown_name("storage options", "protocol", protocol, known_protocols(), "docs/storage-options.md")
    return found or GenericStorageOptions


@shielded
def storage_options_for(
    protocol: str, options: BaseStorageOptions | Mapping[str, Any] | None = None
) -> BaseStorageOptions:
    """Return the typed options of `protocol` from an options object, a dict, or nothing.

    Raises:
        UnknownName, InvalidValue: as the options class says; options that are of another protocol.
        Unsupported: a plugin's protocol whose plugin cannot be loaded.
    """
    name = canonical_protocol(protocol)
    check_protocol(protocol, options)
    if isinstance(options, BaseStorageOptions):
        return options
    return options_class_for(name).from_mapping(name, dict(options or {}))


def check_protocol(protocol: str, options: BaseStorageOptions | Mapping[str, Any] | None) -> None:
    """Make sure that options that say a protocol say this one, under any of its names; http and https are one.

    Raises:
        InvalidValue: they say another.
    """
    name = canonical_protocol(protocol)
    given = options.protocol if isinstance(options, BaseStorageOptions) else (options or {}).get("protocol", name)
    if _family(str(given)) != _family(name):
        raise InvalidValue(f"{protocol}: found options of protocol {given!r}; give those of {name!r}")


@shielded
def options_for_location(
    location: Location, options: BaseStorageOptions | Mapping[str, Any] | None = None
) -> BaseStorageOptions:
    """Return the typed options of a place: those given, and what its URL says (account, host, user).

    Raises:
        InvalidValue: the URL and the options name different accounts, hosts or users.
        UnknownName, Unsupported: as `storage_options_for`.
    """
    typed = storage_options_for(location.protocol, options)
    if not location.options:
        return typed
    from_url = storage_options_for(location.protocol, dict(location.options))
    given, said = typed.to_dict(), from_url.to_dict()
    differing = [name for name, value in said.items() if name in given and given[name] != value and name != "protocol"]
    if differing:
        raise InvalidValue(
            f"{location.text}: the URL and the options have different values of {differing[0]!r}; give it once"
        )
    return storage_options_for(location.protocol, {**given, **said, "protocol": location.protocol})


def _family(protocol: str) -> str:
    canonical = canonical_protocol(protocol)
    return "http" if canonical == "https" else canonical
