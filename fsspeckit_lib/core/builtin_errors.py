"""From the gateway's errors to the built-in ones that callers of fsspec catch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from fsspeckit_lib.errors import (
    AccessDenied,
    AlreadyExists,
    GatewayError,
    IsADirectory,
    NotADirectory,
    NotFound,
    TimedOut,
    Unavailable,
)

__all__ = ["fsspec_errors"]

_BUILT_IN: Mapping[type[GatewayError], type[OSError]] = {
    NotFound: FileNotFoundError,
    IsADirectory: IsADirectoryError,
    NotADirectory: NotADirectoryError,
    AlreadyExists: FileExistsError,
    AccessDenied: PermissionError,
    TimedOut: TimeoutError,
    Unavailable: ConnectionError,
}


@contextlib.contextmanager
def fsspec_errors() -> Iterator[None]:
    """Give fsspec's callers the built-in errors they catch, with the gateway's as the cause."""
    try:
        yield
    except GatewayError as error:
        for kind, built_in in _BUILT_IN.items():
            if isinstance(error, kind):
                raise built_in(str(error)) from error
        raise
