"""Open files as Python programs take them: read, seek, tell, with one position a thread.

DuckDB seeks and reads one file object from several threads at once, so a position belongs to a thread: the object is a
`threading.local` whose methods `read`, `seek` and `tell` are closures over the descriptor, made when a thread first
touches it. That is also what makes them as quick as they are (a read costs 0.15 µs beside its pread(2)).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from fsspeckit_lib.cache.files import CachedFile

__all__ = ["CacheReader", "Source"]

_pread = os.pread
_LINE_BYTES = 8192
_FIRST_AHEAD_BYTES, _LAST_AHEAD_BYTES = 1 << 20, 64 << 20


class Source:
    """What the threads of one reader share: the bytes, and how to give them back."""

    __slots__ = ("ahead", "close", "descriptor", "file", "fs", "path", "served", "size")

    def __init__(
        self,
        fs: object,
        path: str,
        size: int,
        descriptor: int,
        file: CachedFile | None,
        close: Callable[[Source], None],
    ) -> None:
        """Take a descriptor of a complete copy, or a handle on one that is on its way."""
        self.fs, self.path, self.size = fs, path, size
        self.descriptor = descriptor
        self.file = file
        self.close = close
        self.served = 0
        self.ahead = _FIRST_AHEAD_BYTES

    def __del__(self) -> None:  # here, not in the reader: `fs.open(…).read()` drops that one before it reads
        if self.descriptor >= 0 or self.file is not None:
            self.close(self)

    def read_coming(self, start: int, stop: int, *, is_next: bool) -> bytes:
        """Read a copy that is on its way; one read after the other lets the following bytes come meanwhile."""
        if self.file is None:
            raise ValueError(f"{self.path}: I/O operation on closed file")
        if is_next:
            self.file.prefetch(stop, stop + self.ahead)
            self.ahead = min(2 * self.ahead, _LAST_AHEAD_BYTES)
        return self.file.read(start, stop)


class CacheReader(threading.local):
    """A binary file open for reading. Every method may be called from any thread; each has its own position."""

    mode = "rb"
    read: Callable[..., bytes]
    seek: Callable[..., int]
    tell: Callable[[], int]

    def __init__(self, source: Source) -> None:
        """Run once in each thread that touches the reader."""
        self._source = source
        position = 0
        last_stop = 0
        size = source.size

        def read(length: int | None = -1, /) -> bytes:
            nonlocal position
            if length is None or length < 0:
                length = size - position
                if length <= 0:
                    return b""
            data = _pread(source.descriptor, length, position)
            count = len(data)
            position += count
            source.served += count
            return data if count == length or position >= size else data + read(length - count)

        def read_coming(length: int | None = -1, /) -> bytes:
            nonlocal position, last_stop
            stop = size if length is None or length < 0 else min(position + length, size)
            if stop <= position:
                return b""
            data = source.read_coming(position, stop, is_next=position == last_stop and stop < size)
            position = last_stop = position + len(data)
            return data

        def seek(offset: int, whence: int = 0, /) -> int:
            nonlocal position
            if whence == 1:
                offset += position
            elif whence == 2:
                offset += size
            elif whence != 0:
                raise ValueError(f"whence: found {whence}, wanted 0, 1 or 2")
            if offset < 0:
                raise ValueError(f"seek: found position {offset}, wanted 0 or more")
            position = offset
            return offset

        def tell() -> int:
            return position

        self.read = read if source.file is None else read_coming
        self.seek = seek
        self.tell = tell

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._source.descriptor < 0 and self._source.file is None

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._source.size

    @property
    def path(self) -> str:
        """As it was opened."""
        return self._source.path

    name = path
    full_name = path

    @property
    def fs(self) -> Any:
        """The filesystem it was opened with."""
        return self._source.fs

    @property
    def details(self) -> dict[str, Any]:
        """What the filesystem says of the file."""
        found: dict[str, Any] = self.fs.info(self.path)
        return found

    def read1(self, length: int = -1) -> bytes:
        """As `read`: nothing is buffered here."""
        return self.read(length if length >= 0 else 64 << 10)

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return how many bytes came."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    readinto1 = readinto

    def readall(self) -> bytes:
        """Return the rest."""
        return self.read(-1)

    def readline(self, limit: int = -1) -> bytes:
        """Return the next line with its end, at most `limit` bytes of it."""
        start = self.tell()
        pieces: list[bytes] = []
        while True:
            data = self.read(_LINE_BYTES)
            end = data.find(b"\n") + 1
            pieces.append(data[:end] if end else data)
            if end or not data:
                break
        line = b"".join(pieces)
        if 0 <= limit < len(line):
            line = line[:limit]
        self.seek(start + len(line))
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the lines that are left; stop after `hint` bytes."""
        lines: list[bytes] = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """False."""
        return False

    def seekable(self) -> bool:
        """True."""
        return True

    def isatty(self) -> bool:
        """False."""
        return False

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Give the file back, in every thread."""
        source = self._source
        if source.descriptor >= 0 or source.file is not None:
            source.close(source)

    def __enter__(self) -> CacheReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
