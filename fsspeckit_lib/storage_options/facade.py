"""One entrance to all providers: `StorageOptions`, and the same as functions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options import yaml_files
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.registry import (
    check_protocol,
    options_class_for,
    options_for_location,
    storage_options_for,
)
from fsspeckit_lib.storage_options.uri import canonical_protocol, parse_location

__all__ = ["StorageOptions", "from_dict", "from_env", "merge_storage_options", "storage_options_from_uri"]


@shielded
def from_dict(protocol: str, mapping: Mapping[str, Any]) -> BaseStorageOptions:
    """Return the typed options of `protocol` that a dict describes, under any of their names.

    Raises:
        UnknownName, InvalidValue: as the options class says; a dict that says another protocol.
    """
    return storage_options_for(protocol, mapping)


@shielded
def from_env(protocol: str, environ: Mapping[str, str] | None = None) -> BaseStorageOptions:
    """Return options that hold what the environment says of `protocol` now.

    Raises:
        UnknownName: nobody knows the protocol.
        InvalidValue: a variable has a value that its option cannot have.
    """
    cls, name = options_class_for(protocol), canonical_protocol(protocol)
    if cls.model_fields["protocol"].is_required():  # a class of several protocols
        return cls.from_mapping(name, cls._environment_values(os.environ if environ is None else environ))
    options = cls.from_env(environ)
    return options if options.protocol == name else cls.from_mapping(name, {**options.to_dict(), "protocol": name})


@shielded
def storage_options_from_uri(uri: str) -> BaseStorageOptions:
    """Return the typed options of the storage that a URL or a path is in, with what the URL itself says.

    `abfss://c@account.dfs.core.windows.net/x` gives the account, `sftp://me@host:22/x` host, port and user.

    Raises:
        UnknownName, BadInput: as `parse_location`.
    """
    return options_for_location(parse_location(uri))


@shielded
def merge_storage_options(
    *options: BaseStorageOptions | Mapping[str, Any] | None, overwrite: bool = True
) -> BaseStorageOptions:
    """Return one set of options out of several; what is not set in one does not count.

    Args:
        options: objects or dicts of one protocol; one of them at least says which. None is skipped.
        overwrite: a later one wins over an earlier one; False is the other way round.

    Raises:
        InvalidValue: none says the protocol, or two say different ones.
        UnknownName: as the options class says.
    """
    given = [one for one in options if one is not None]
    protocol = next((name for name in map(_protocol, given) if name), None)
    if protocol is None:
        raise InvalidValue("merge_storage_options: found no protocol; give it in one of them, e.g. protocol='s3'")
    cls = options_class_for(protocol)
    merged: dict[str, Any] = {}
    references: dict[str, tuple[Any, Any]] = {}
    for one in given if overwrite else given[::-1]:
        check_protocol(protocol, one)
        if isinstance(one, BaseStorageOptions):
            merged.update(one.to_dict())
            references.update(one._references)
        else:
            merged.update(cls.fields_of({name: value for name, value in one.items() if value is not None}))
    result = storage_options_for(protocol, {**merged, "protocol": protocol})
    result._references.update(references)
    return result


def _protocol(options: BaseStorageOptions | Mapping[str, Any]) -> str | None:
    said = options.protocol if isinstance(options, BaseStorageOptions) else options.get("protocol")
    return str(said) if said else None


class StorageOptions:
    """Makes the typed options of any protocol; each method returns an object of the provider's class.

    `StorageOptions.create(protocol="s3", key=…)` is an `AwsStorageOptions`.
    """

    @staticmethod
    @shielded
    def create(protocol: str, **options: Any) -> BaseStorageOptions:
        """Return the options of `protocol`, under any of their names.

        Raises:
            UnknownName, InvalidValue: as the options class says.
        """
        return storage_options_for(protocol, options)

    from_dict = staticmethod(from_dict)
    from_env = staticmethod(from_env)
    from_uri = staticmethod(storage_options_from_uri)
    merge = staticmethod(merge_storage_options)

    @staticmethod
    def from_yaml(path: str | os.PathLike[str], protocol: str | None = None) -> BaseStorageOptions:
        """Return the options that a YAML file holds."""
        return yaml_files.from_yaml(path, protocol)

    @staticmethod
    def to_yaml(options: BaseStorageOptions, path: str | os.PathLike[str]) -> None:
        """Write options to a YAML file with mode 0600."""
        yaml_files.to_yaml(options, path)
