"""Rows of COPY FROM STDIN in text and csv, cut exactly as PostgreSQL cuts them, one by one.

Pure. The slow and complete way: `copy_in` lets Arrow read what holds nothing odd, and sends here what does — quotes in
the middle of a field, line ends inside of values, escaped delimiters, lines with nothing on them, wrong line ends.
Source: PostgreSQL 16, src/backend/commands/copyfromparse.c, `CopyReadLineText` and `CopyReadAttributes…`.
"""

from __future__ import annotations

import re
from typing import Final

from fsspeckit_lib.errors import BadInput
from fsspeckit_sqlserver.types.copy_out import CopyFormat

__all__ = ["BadCopyData", "BadCopyEncoding", "RowCutter", "check_encoding", "wrong_at"]

_LETTERS: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|([\s\S]))|\\\Z")


class BadCopyData(BadInput):
    """The data is not rows of this table."""

    kind = "bad-copy-format"


class BadCopyEncoding(BadInput):
    """The data is not text in UTF-8, or holds a zero byte."""

    kind = "invalid-encoding"

    def __init__(self, found: bytes) -> None:
        shown = " ".join(f"0x{byte:02x}" for byte in found)
        super().__init__(f'invalid byte sequence for encoding "UTF8": {shown}')


def wrong_at(data: bytes, *, is_last: bool) -> tuple[int, bytes] | None:
    """Return where the first sequence of bytes is that is no text, and its bytes as PostgreSQL shows them.

    Args:
        is_last: no more bytes follow, which could complete a character at the end.
    """
    found: tuple[int, bytes] | None = None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if is_last or error.reason != "unexpected end of data":
            first = data[error.start]
            size = 2 if 0xC0 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF8 else 1
            found = error.start, data[error.start : error.start + size]
    zero = data.find(b"\0", 0, found[0] if found else None)
    return found if zero < 0 else (zero, b"\0")


def check_encoding(data: bytes) -> None:
    """Check that these bytes are text.

    Raises:
        BadCopyEncoding.
    """
    found = wrong_at(data, is_last=True)
    if found is not None:
        raise BadCopyEncoding(found[1])


class RowCutter:
    """Cuts lines off and fields out of them. Remembers how lines end: the first one decides for all.

    Attributes:
        line_end: `\\n`, `\\r` or `\\r\\n`; empty before the first line.
        is_over: the end-of-data mark was read; what follows is ignored.
    """

    def __init__(self, chosen: CopyFormat) -> None:
        """Prepare for the data of one COPY."""
        self.line_end = b""
        self.is_over = False
        self._is_csv = chosen.format == "csv"
        self._null = chosen.null.encode()
        self._delimiter = chosen.delimiter.encode()
        self._what = "unquoted" if self._is_csv else "literal"
        delimiter, quote, escape = (
            re.escape(text.encode()) for text in (chosen.delimiter, chosen.quote, chosen.escape)
        )
        if self._is_csv:
            self._quote = chosen.quote.encode()
            inside = rb"[^%b]*" % quote if quote == escape else rb"(?:[^%b%b]|%b[\s\S])*" % (quote, escape, escape)
            quoted = rb"%b%b%b" % (quote, inside, quote)
            self._line = re.compile(rb"(?:[^%b\r\n]+|%b)*" % (quote, quoted))
            field = rb"(?:[^%b%b]|%b)*" % (quote, delimiter, rb"%b(?:[^%b]|%b%b)*%b" % ((quote,) * 5))
            if quote != escape:
                field = rb"(?:[^%b%b]|%b)*" % (quote, delimiter, quoted)
            self._field = re.compile(field)
            within = rb"(?:[^%b]|%b%b)*" % ((quote,) * 3) if quote == escape else inside
            self._quoted = re.compile(rb"%b(%b)%b" % (quote, within, quote))
            self._escaped = re.compile(rb"%b([%b%b])" % (escape, escape, quote))
        else:
            self._line = re.compile(rb"(?:[^\\\r\n]+|\\[^.])*")
            self._field = re.compile(rb"(?:[^\\%b]+|\\[\s\S]|\\\Z)*" % delimiter)

    def cut(self, data: bytes, start: int, is_last: bool) -> tuple[list[bytes | None] | None, int]:
        """Return the fields of the row that begins at `start`, and where the next one begins.

        The fields are None when there is no whole row: the data ends (`is_last`: for good), or its end mark was read.

        Raises:
            BadCopyData, BadCopyEncoding.
        """
        line, stop = self.cut_line(data, start, is_last)
        return (None if line is None else self.fields(line)), stop

    def cut_line(self, data: bytes, start: int, is_last: bool) -> tuple[bytes | None, int]:
        """Return a line without its end, and where the next one begins; likewise."""
        match = self._line.match(data, start)
        stop = start if match is None else match.end()
        size = len(data)
        if self._is_csv and data.startswith(b"\\.", start) and self._ends_csv(data, start):
            self.is_over = True
            return None, size
        if stop >= size:
            return (data[start:] if is_last and start < size else None), (size if is_last else start)
        found = data[stop : stop + 1]
        if self._is_csv and found == self._quote:  # no quote ends what this one begins; `fields` refuses it
            return (data[start:], size) if is_last else (None, start)
        if found == b"\\":
            return self._end_mark(data, start, stop, is_last)
        if found == b"\r" and stop + 1 == size and not is_last:
            return None, start
        ended = self._ended(data, stop)
        return data[start:stop], stop + len(ended)

    def _ended(self, data: bytes, at: int) -> bytes:
        """Return the end of a line; it must be that of the others."""
        ended = b"\r\n" if data.startswith(b"\r\n", at) else data[at : at + 1]
        if ended == b"\r\n" and self.line_end == b"\r":
            ended = b"\r"  # the newline is refused when the next line begins with it
        if self.line_end and ended != self.line_end:
            name = "newline" if ended == b"\n" else "carriage return"
            raise BadCopyData(f"{self._what} {name} found in data")
        self.line_end = ended
        return ended

    def _ends_csv(self, data: bytes, start: int) -> bool:
        """Tell whether the line is the end mark; in csv `\\.` may also be a value."""
        after = data[start + 2 : start + 4]
        if self.line_end == b"\r\n":
            return after == b"\r\n"
        if after[:1] not in {b"\r", b"\n"}:
            return False
        if self.line_end and after[:1] != self.line_end:
            raise BadCopyData("end-of-copy marker does not match previous newline style")
        return True

    def _end_mark(self, data: bytes, start: int, at: int, is_last: bool) -> tuple[bytes | None, int]:
        """Read the backslash at `at`, which begins the end mark of text, or is the last byte there is."""
        if at + 1 == len(data):
            return (data[start:], len(data)) if is_last else (None, start)
        after = data[at + 2 : at + 4]
        if not is_last and len(after) < len(self.line_end or b"\n"):
            return None, start
        if self.line_end == b"\r\n" and after[:1] == b"\n":
            raise BadCopyData("end-of-copy marker does not match previous newline style")
        if self.line_end == b"\r\n" and after[:1] != b"\r":
            raise BadCopyData("end-of-copy marker corrupt")
        ended = after[1:2] if self.line_end == b"\r\n" else after[:1]
        if ended not in {b"\r", b"\n"}:
            raise BadCopyData("end-of-copy marker corrupt")
        if ended != (self.line_end[-1:] or ended):
            raise BadCopyData("end-of-copy marker does not match previous newline style")
        self.is_over = True
        return (data[start:at] if at > start else None), len(data)

    def fields(self, line: bytes) -> list[bytes | None]:
        """Return the values of a line; None is NULL."""
        if (self._quote if self._is_csv else b"\\") not in line:
            return [None if field == self._null else field for field in line.split(self._delimiter)]
        if not self._is_csv and (len(line) - len(line.rstrip(b"\\"))) % 2:
            line = line[:-1]  # a backslash at the very end stands before nothing
        found: list[bytes | None] = []
        start = 0
        while True:
            match = self._field.match(line, start)
            stop = start if match is None else match.end()
            if stop < len(line) and line[stop : stop + 1] != self._delimiter:
                raise BadCopyData("unterminated CSV quoted field")
            found.append(self._value(line[start:stop]))
            if stop == len(line):
                return found
            start = stop + 1

    def _value(self, field: bytes) -> bytes | None:
        if self._is_csv:
            if self._quote in field:
                return self._quoted.sub(lambda match: self._escaped.sub(rb"\1", match[1]), field)
            return None if field == self._null else field
        if field == self._null:
            return None
        if b"\\" not in field:
            return field
        value = _ESCAPE.sub(_meant, field)
        check_encoding(value)
        return value


def _meant(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes((int(match[1], 16),))
    if match[2]:
        return bytes((int(match[2], 8) & 255,))
    return _LETTERS.get(match[3], match[3]) if match[3] else b""
