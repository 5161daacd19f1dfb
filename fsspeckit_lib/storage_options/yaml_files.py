"""Options in a YAML file: one mapping of `protocol` and options.

A value may refer to the environment (`${VAR}`, `${VAR:-default}`); it is resolved for use and written back as the
reference. A file is written whole or not at all, readable by its owner only: it may hold secrets in clear.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Mapping
from typing import Any

import yaml

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.common.variables import escape_variables, expand_variables, has_variable
from fsspeckit_lib.errors import AccessDenied, BadInput, GatewayError, NotFound, ResourceExhausted, Unavailable
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.registry import options_class_for

__all__ = ["from_yaml", "to_yaml"]


@shielded
def from_yaml(
    path: str | os.PathLike[str], protocol: str | None = None, environ: Mapping[str, str] | None = None
) -> BaseStorageOptions:
    """Return the options that a file holds.

    Args:
        protocol: where the file does not say it; where it does, it has to be one that the same class serves.

    Raises:
        NotFound, AccessDenied: the file cannot be read.
        BadInput: it is not a YAML mapping, or a variable is not set; names the key.
        UnknownName, InvalidValue: as the options class says.
    """
    who = f"storage options {os.fspath(path)}"
    try:
        with open(path, encoding="utf-8") as file:
            written = yaml.safe_load(file)
    except OSError as error:
        raise _translated(error, who) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark is not None else ""
        raise BadInput(f"{who}: found no valid YAML{place}") from None  # the parser's words quote the line
    if not isinstance(written, Mapping):
        raise BadInput(f"{who}: found no mapping, wanted lines such as protocol: s3")
    values = expand_variables(written, who, os.environ if environ is None else environ)
    name = str(values.get("protocol") or protocol or "")
    if not name:
        raise BadInput(f"{who}: found no protocol, wanted a line such as protocol: s3")
    try:
        cls = options_class_for(name)
        if protocol is not None and options_class_for(protocol) is not cls:
            raise BadInput(f"found protocol {name!r}, wanted {protocol!r}")
        options = cls.from_mapping(name, values)
    except BadInput as error:
        raise type(error)(f"{who}: {error}") from None
    options._references.update(_references(options, written, values))
    return options


@shielded
def to_yaml(options: BaseStorageOptions, path: str | os.PathLike[str]) -> None:
    """Write options to a file with mode 0600, by a temporary file beside it and a rename.

    Raises:
        NotFound, AccessDenied, ResourceExhausted: the file cannot be written; the old one is as it was.
    """
    target = os.path.realpath(path)
    text = yaml.safe_dump(_written(options), sort_keys=False, allow_unicode=True)
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=os.path.dirname(target))  # mode 0600
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise _translated(error, f"storage options {os.fspath(path)}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _written(options: BaseStorageOptions) -> dict[str, Any]:
    """Return the mapping to write: references where they still stand for the present values, else the values."""
    values: dict[str, Any] = escape_variables(options.to_dict())
    for field, (reference, meant) in options._references.items():
        if field in values and _present(options, field) == meant:
            values[field] = reference
    return values


def _references(
    options: BaseStorageOptions, written: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Return field → the reference that was written, and the value it stands for now."""
    found: dict[str, tuple[Any, Any]] = {}
    for key, raw in written.items():
        value = values[str(key)]
        if not has_variable(raw) or key == "protocol":
            continue
        meant = options.meant(str(key), value)
        for field, stands_for in meant:
            if len(meant) == 1 and stands_for == value:
                found[field] = (raw, _present(options, field))
            elif isinstance(raw, Mapping) and field in raw and value[field] == stands_for and has_variable(raw[field]):
                found[field] = (raw[field], _present(options, field))
            # else the name changes its value on the way (use_ssl): no reference would mean the same
    return found


def _present(options: BaseStorageOptions, field: str) -> Any:
    return options.to_dict().get(field) if field not in type(options).model_fields else getattr(options, field)


def _translated(error: OSError, who: str) -> GatewayError:
    reason = f"{who}: {error.strerror or error}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFound(reason)
    if isinstance(error, PermissionError | IsADirectoryError) or error.errno == errno.EROFS:
        return AccessDenied(reason)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ResourceExhausted(reason)
    return Unavailable(reason)
