"""Rows as COPY FROM STDIN brings them, in text, csv or binary, as Arrow columns of text.

Pure: fed with the client's bytes, gives tables of whole rows. Text and csv are cut into columns by Arrow's csv reader;
values stay text, which the engine casts. Binary values are read one by one, as their lengths make it necessary.
Source: PostgreSQL 16 manual, COPY, "File Formats".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
from pyarrow import csv

from fsspeckit_lib.errors import BadInput
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.copy_out import BINARY_HEADER, CopyFormat
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.parameters import decode_parameter

__all__ = ["BadCopyData", "CopyReader", "copy_reader"]

_CHUNK_BYTES: Final = 4 << 20


class BadCopyData(BadInput):
    """The data is not rows of this table."""

    kind = "bad-copy-format"


class CopyReader:
    """Text and csv."""

    def __init__(self, columns: Sequence[Column], chosen: CopyFormat) -> None:
        """Prepare for rows of these columns."""
        self._columns, self._format = tuple(columns), chosen
        self._pending = bytearray()
        self._skips_line = chosen.header
        self._is_over = False
        self._quote = chosen.quote.encode()

    def feed(self, data: bytes) -> pa.Table | None:
        """Take more bytes; return the rows that are complete, once there are many.

        Raises:
            BadCopyData: they are not rows of the table.
        """
        self._pending += data
        return self._take() if len(self._pending) >= _CHUNK_BYTES else None

    def finish(self) -> pa.Table | None:
        """Return the last rows.

        Raises:
            BadCopyData: likewise.
        """
        if self._pending and not self._pending.endswith(b"\n"):
            self._pending += b"\n"
        return self._take()

    def _take(self) -> pa.Table | None:
        stop = self._end_of_rows()
        data, self._pending = bytes(self._pending[:stop]), self._pending[stop:]
        if self._skips_line and data:
            line, _, data = data.partition(b"\n")
            self._skips_line = False
            self._check_header(line)
        marker = re.search(rb"(?:^|\n)\\\.\r?\n", data)
        if marker is not None and self._format.format == "text":
            data, self._is_over = data[: marker.start() + 1 if marker.start() else 0], True
            self._pending.clear()
        if not data:
            return None
        return self._table(data)

    def _end_of_rows(self) -> int:
        """Return the end of the last whole row: in csv, a line's end inside quotes is not one."""
        stop = self._pending.rfind(b"\n") + 1
        if self._format.format == "csv":
            while stop and self._count_quotes(stop) % 2:
                stop = self._pending.rfind(b"\n", 0, stop - 1) + 1
        return stop

    def _count_quotes(self, stop: int) -> int:
        """Return how many quotes there are up to `stop`, without those that an escape character makes plain."""
        escape = self._format.escape.encode()
        if escape == self._quote:
            return self._pending.count(self._quote, 0, stop)
        return self._pending[:stop].replace(escape * 2, b"").replace(escape + self._quote, b"").count(self._quote)

    def _check_header(self, line: bytes) -> None:
        if not self._format.must_match:
            return
        names = line.decode(errors="replace").rstrip("\r").split(self._format.delimiter)
        for place, column in enumerate(self._columns):
            found = names[place].strip(self._format.quote) if place < len(names) else ""
            if found != column.name:
                raise BadCopyData(
                    f'column name mismatch in header line field {place + 1}: got "{found}", expected "{column.name}"'
                )

    def _table(self, data: bytes) -> pa.Table:
        chosen = self._format
        is_csv = chosen.format == "csv"
        names = [str(place) for place in range(len(self._columns))]
        try:
            table = csv.read_csv(
                pa.py_buffer(data),
                csv.ReadOptions(use_threads=False, column_names=names, block_size=max(len(data), 1)),
                csv.ParseOptions(
                    delimiter=chosen.delimiter,
                    quote_char=chosen.quote if is_csv else False,
                    double_quote=is_csv and chosen.escape == chosen.quote,
                    escape_char=chosen.escape if is_csv and chosen.escape != chosen.quote else False,
                    newlines_in_values=is_csv,
                    ignore_empty_lines=False,
                ),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[chosen.null],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise self._explained(str(error)) from error
        if not is_csv and b"\\" in data:
            table = pa.table([_unescaped(column, chosen.null) for column in table.columns], names=names)
        return table

    def _explained(self, text: str) -> BadCopyData:
        """Return PostgreSQL's words for a row with too few or too many columns."""
        found = re.search(r"Expected (\d+) columns, got (\d+)", text)
        if found is None:
            if "invalid UTF8" in text:
                return BadCopyData('invalid byte sequence for encoding "UTF8"')
            return BadCopyData(f"unreadable COPY data: {text}")
        wanted, got = int(found[1]), int(found[2])
        if got > wanted:
            return BadCopyData("extra data after last expected column")
        return BadCopyData(f'missing data for column "{self._columns[got].name}"')


_LETTERS: Final = (("\\b", "\b"), ("\\f", "\f"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\v", "\v"))
_NUMBER: Final = r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3})"


def _unescaped(column: pa.ChunkedArray, null: str) -> pa.ChunkedArray:
    """Return values with their backslash sequences resolved; `null` was read as NULL already."""
    del null
    if not pc.any(pc.match_substring(column, "\\")).as_py():
        return column
    column = pc.replace_substring(column, "\\\\", "\0")  # no text holds a zero byte
    if pc.any(pc.match_substring_regex(column, _NUMBER)).as_py():
        texts = [None if text is None else re.sub(_NUMBER, _byte, text) for text in column.to_pylist()]
        column = pa.chunked_array([pa.array(texts, pa.string())])
    for written, meant in _LETTERS:
        column = pc.replace_substring(column, written, meant)
    column = pc.replace_substring_regex(column, r"\\(.)", r"\1")
    return pc.replace_substring(column, "\0", "\\")


def _byte(match: re.Match[str]) -> str:
    text = match[1]
    return chr(int(text[1:], 16) if text.startswith("x") else int(text, 8))


class BinaryCopyReader:
    """Binary. Reads values one by one: each says its own length."""

    def __init__(self, columns: Sequence[Column], _chosen: CopyFormat) -> None:
        """Prepare for rows of these columns."""
        self._columns = tuple(columns)
        self._pending = bytearray()
        self._has_header = self._is_over = False

    def feed(self, data: bytes) -> pa.Table | None:
        """See `CopyReader.feed`."""
        self._pending += data
        return self._take() if len(self._pending) >= _CHUNK_BYTES else None

    def finish(self) -> pa.Table | None:
        """See `CopyReader.finish`."""
        table = self._take()
        if not self._has_header:
            raise BadCopyData("COPY file signature not recognized")
        if self._pending and not self._is_over:
            raise BadCopyData("unexpected EOF in COPY data")
        return table

    def _take(self) -> pa.Table | None:
        data, place = bytes(self._pending), 0
        if not self._has_header:
            if len(data) < len(BINARY_HEADER):
                return None
            if not data.startswith(BINARY_HEADER[:11]):
                raise BadCopyData("COPY file signature not recognized")
            place = len(BINARY_HEADER) + int(struct.unpack_from("!i", data, 15)[0])
            self._has_header = True
        columns: list[list[object]] = [[] for _ in self._columns]
        while not self._is_over:
            row, stop = self._row(data, place)
            if row is None:
                break
            place = stop
            for values, value in zip(columns, row, strict=False):
                values.append(value)
        del self._pending[:place]
        if not columns or not columns[0]:
            return None
        return pa.table(
            [pa.array(values, pa.string()) for values in columns], names=[str(number) for number in range(len(columns))]
        )

    def _row(self, data: bytes, place: int) -> tuple[list[object] | None, int]:
        if len(data) < place + 2:
            return None, place
        count = int(struct.unpack_from("!h", data, place)[0])
        if count == -1:
            self._is_over = True
            return None, place
        if count != len(self._columns):
            raise BadCopyData(f"row field count is {count}, expected {len(self._columns)}")
        at = place + 2
        row: list[object] = []
        for number, column in enumerate(self._columns, 1):
            if len(data) < at + 4:
                return None, place
            size = int(struct.unpack_from("!i", data, at)[0])
            at += 4
            if size < -1:
                raise BadCopyData("invalid field size")
            value = None if size == -1 else data[at : at + size]
            if value is not None and len(value) < size:
                return None, place
            at += max(size, 0)
            row.append(_text_of(decode_parameter(column.type_oid, 1, value, number)))
        return row, at


def _text_of(value: object) -> str | None:
    """Return a value in the text the engine casts back."""
    match value:
        case None | str():
            return value
        case bytes():
            return "\\x" + value.hex()
        case bool():
            return "true" if value else "false"
        case list():
            return "{" + ",".join("NULL" if item is None else _element(item) for item in value) + "}"
    return str(value)


def _element(value: object) -> str:
    if isinstance(value, list):
        return str(_text_of(value))
    text = str(_text_of(value)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def copy_reader(columns: Sequence[Column], chosen: CopyFormat) -> CopyReader | BinaryCopyReader:
    """Return what reads the rows of a COPY."""
    return (BinaryCopyReader if chosen.format == "binary" else CopyReader)(columns, chosen)
