"""Files of fsspec's face: open for reading, pinned to a version; open for writing; on their way to the disk."""

from __future__ import annotations

import contextlib
import io
import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fsspec.spec import AbstractBufferedFile

from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore, ObjectWriter

__all__ = ["CompressedWriter", "ObjectReader", "ObjectWriterFile", "TextWriter", "WrittenWhole", "read_parts"]

_PART_BYTES = 16 << 20
_PARTS_IN_FLIGHT = 4


class ObjectReader(AbstractBufferedFile):
    """A file open for reading, pinned to its version: a change meanwhile is an error, not a mixture."""

    def __init__(
        self, fs: Any, path: str, store: ObjectStore, info: ObjectInfo, block_size: int, **kwargs: Any
    ) -> None:
        super().__init__(fs, path, mode="rb", block_size=block_size, size=info.size_bytes, **kwargs)
        self._store, self._info = store, info

    def _fetch_range(self, start: int, end: int) -> bytes:
        end = min(end, self._info.size_bytes)
        return bytes(memoryview(self._store.read_range(self._info, start, end))) if start < end else b""


class WrittenWhole:
    """What files have in common that appear whole or not at all: a block that raises drops them."""

    if TYPE_CHECKING:

        def close(self) -> None: ...

    def discard(self) -> None:
        """End without a file."""
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard() if kind is not None else self.close()

    def __del__(self) -> None:
        self.discard()  # a file that nobody closed was not finished


class ObjectWriterFile(WrittenWhole, io.RawIOBase):
    """A file open for writing: parts go out as they fill, the object appears at close."""

    def __init__(self, writer: ObjectWriter, errors: Callable[[], contextlib.AbstractContextManager[None]]) -> None:
        self._writer = writer
        self._errors = errors
        self._position = 0
        super().__init__()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        with self._errors():
            self._writer.write(view)
        self._position += view.nbytes
        return view.nbytes

    def discard(self) -> None:
        """End without an object."""
        if not self.closed:
            self._writer.abort()
        super().close()

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        with self._errors():
            self._writer.close()

    def __del__(self) -> None:
        if self.closed:
            return
        getattr(self._writer, "abandon", self._writer.abort)()  # an object that nobody closed was not finished
        super().close()


class TextWriter(WrittenWhole, io.TextIOWrapper):
    """Text on its way into a file that is written whole: a block that raises drops it."""

    def discard(self) -> None:
        """End without a file."""
        _discard(self.buffer)


class CompressedWriter(WrittenWhole, io.BufferedIOBase):
    """A compressor over a file that is written whole; fsspec's leave the file below them open."""

    def __init__(self, compressor: Any, below: Any) -> None:
        self._compressor, self._below = compressor, below
        super().__init__()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return int(self._compressor.write(data))

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        try:
            self._compressor.close()
        except BaseException:
            _discard(self._below)
            raise
        self._below.close()

    def discard(self) -> None:
        """End without a file."""
        if not self.closed:
            _discard(self._below)
            with contextlib.suppress(Exception):
                self._compressor.close()
        super().close()


def _discard(file: Any) -> None:
    """Drop a file on its way; one that cannot be dropped, as it is written in place, is closed."""
    if not file.closed:
        getattr(file, "discard", file.close)()


def read_parts(store: ObjectStore, info: ObjectInfo, path: str, on_bytes: Callable[[int], object]) -> None:
    """Download one version of an object to `path` in parallel parts, whole or not at all.

    Memory: four parts of 16 MiB.

    Raises:
        CacheStale: the object changed meanwhile; there is no file, or the old one.
    """
    temporary = f"{path}.{uuid.uuid4().hex[:12]}.part"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:

            def fetch(start: int) -> int:
                stop = min(start + _PART_BYTES, info.size_bytes)
                data = memoryview(store.read_range(info, start, stop))
                position = start
                while data:
                    written = os.pwrite(descriptor, data, position)
                    data, position = data[written:], position + written
                return stop - start

            starts = range(0, info.size_bytes, _PART_BYTES)
            if len(starts) < 2:
                for start in starts:
                    on_bytes(fetch(start))
            else:
                with ThreadPoolExecutor(_PARTS_IN_FLIGHT, thread_name_prefix="fsspeckit-get") as pool:
                    try:
                        for count in pool.map(fetch, starts):
                            on_bytes(count)
                    except BaseException:
                        pool.shutdown(wait=True, cancel_futures=True)
                        raise
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError as error:
        raise translate(error, path) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
