"""Objects on their way to a store of obstore: in parallel parts, or spooled when a precondition must hold."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import obstore
from typing_extensions import Buffer

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.endpoints import Endpoint
from fsspeckit_lib.errors import Unsupported

if TYPE_CHECKING:
    from obstore.store import ObjectStore as ObstoreStore

__all__ = ["ConditionalWriter", "MultipartWriter"]

_PART_BYTES = 16 << 20
_PARTS_IN_FLIGHT = 4
_SPOOL_BYTES = 8 << 20  # kept in memory up to here
_ONE_PUT_BYTES = 5 << 30  # the largest object of one PUT on S3


class MultipartWriter:
    """Parts of 16 MiB, four in flight: 64 MiB of memory. A small object is one PUT at close.

    An object of S3 has at most 10,000 parts: 156 GiB.
    """

    def __init__(self, store: ObstoreStore, key: str, who: str, endpoint: Endpoint) -> None:
        self._who = who
        self._endpoint = endpoint
        self._writer = obstore.open_writer(store, key, buffer_size=_PART_BYTES, max_concurrency=_PARTS_IN_FLIGHT)

    def write(self, data: Buffer) -> None:
        """Append; waits while four parts are in flight."""
        self._endpoint.call(self._who, lambda: self._writer.write(data), is_repeatable=False)

    def close(self) -> None:
        """Wait for the parts and publish."""
        self._endpoint.change(self._who, self._writer.close)

    def abort(self) -> None:
        """Send no more. Parts that were sent are never assembled; a lifecycle rule of the bucket removes them."""
        self._writer = None  # type: ignore[assignment]  # dropping it cancels what is in flight


class ConditionalWriter:
    """Spools to a temporary file, then sends all of it in one request that carries the precondition."""

    def __init__(self, send: Callable[[Buffer], None], who: str) -> None:
        self._send = send
        self._who = who
        self._spool: Any = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)
        self._size_bytes = 0

    def write(self, data: Buffer) -> None:
        """Append to the spool."""
        self._size_bytes += memoryview(data).nbytes
        if self._size_bytes > _ONE_PUT_BYTES:
            raise Unsupported(
                f"{self._who}: found more than 5 GiB to be written under a precondition, which is one request of at "
                "most that size; write it without the precondition"
            )
        try:
            self._spool.write(data)
        except OSError as error:
            raise translate(error, f"{self._who}: its spool in {tempfile.gettempdir()}") from error

    def close(self) -> None:
        """Send."""
        try:
            if self._size_bytes <= _SPOOL_BYTES:
                self._spool.seek(0)
                self._send(self._spool.read())
                return
            try:
                self._spool.flush()
                mapped = mmap.mmap(self._spool.fileno(), self._size_bytes, access=mmap.ACCESS_READ)
            except OSError as error:
                raise translate(error, f"{self._who}: its spool in {tempfile.gettempdir()}") from error
            with mapped:
                self._send(mapped)
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the spool."""
        self._spool.close()
