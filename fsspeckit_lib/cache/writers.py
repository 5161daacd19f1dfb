"""A streamed write after which the cache believes nothing old of its key."""

from __future__ import annotations

from collections.abc import Callable

from typing_extensions import Buffer

from fsspeckit_lib.core.objects import ObjectWriter

__all__ = ["ForgettingWriter"]


class ForgettingWriter:
    """An `ObjectWriter` that calls `forget` once the object may have appeared, whether or not it is known to have."""

    def __init__(self, inner: ObjectWriter, forget: Callable[[], None]) -> None:
        self._inner, self._forget = inner, forget

    def write(self, data: Buffer) -> None:
        """Pass it on."""
        self._inner.write(data)

    def close(self) -> None:
        """Let the object appear."""
        try:
            self._inner.close()
        finally:
            self._forget()

    def abort(self) -> None:
        """Let nothing appear."""
        self._inner.abort()
