"""Rows as COPY FROM STDIN brings them, in text, csv or binary, as Arrow columns of text.

Pure: fed with the client's bytes, gives tables of whole rows. Text and csv are cut into columns by Arrow's csv reader,
or row by row where the two understand the data differently; values stay text, which the engine casts. Binary values are
read one by one, as their lengths make it necessary.
Source: PostgreSQL 16 manual, COPY, "File Formats".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from fsspeckit_lib.errors import ResourceExhausted
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.copy_out import BINARY_HEADER, CopyFormat
from fsspeckit_sqlserver.types.copy_rows import BadCopyData, BadCopyEncoding, RowCutter, wrong_at
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.parameters import decode_parameter

__all__ = ["BadCopyData", "CopyReader", "copy_reader"]

_CHUNK_BYTES: Final = 4 << 20
_MAX_ROW_BYTES: Final = 256 << 20


class RowTooLong(ResourceExhausted):
    """A row does not end."""

    kind = "limit-exceeded"


class CopyReader:
    """Text and csv. Arrow reads what both it and PostgreSQL understand alike; `RowCutter` reads the rest."""

    def __init__(self, columns: Sequence[Column], chosen: CopyFormat) -> None:
        """Prepare for rows of these columns."""
        self._columns, self._format = tuple(columns), chosen
        self._pending = bytearray()
        self._enough_bytes = _CHUNK_BYTES
        self._has_header = chosen.header
        self._cutter = RowCutter(chosen)
        self._is_csv = chosen.format == "csv"
        self._names = [str(place) for place in range(len(self._columns))]
        delimiter = re.escape(chosen.delimiter.encode())
        # In text, a backslash before one of these makes a line or a field go on, ends the data, or is a number.
        self._odd = re.compile(rb"(?m)^\\\.\r?$" if self._is_csv else rb"\\(?:[\r\n.x0-7]|%b|\Z)" % delimiter)
        self._empty = re.compile(rb"(?m)^\r?\n")

    def feed(self, data: bytes) -> pa.Table | None:
        """Take more bytes; return the rows that are complete, once there are many.

        Raises:
            BadCopyData, BadCopyEncoding: they are not rows of the table.
        """
        if self._cutter.is_over:
            return None
        self._pending += data
        return self._take(is_last=False) if len(self._pending) >= self._enough_bytes else None

    def finish(self) -> pa.Table | None:
        """Return the last rows.

        Raises:
            BadCopyData, BadCopyEncoding: likewise.
        """
        return self._take(is_last=True)

    def _take(self, *, is_last: bool) -> pa.Table | None:
        data = bytes(self._pending)
        wrong = wrong_at(data, is_last=is_last)  # rows before it are read, and may be wrong themselves
        if wrong is not None:
            data, is_last = data[: wrong[0]], False
        table, stop = self._rows(data, is_last)
        if wrong is not None and not self._cutter.is_over:
            raise BadCopyEncoding(wrong[1])
        if self._cutter.is_over:
            self._pending.clear()
            return table
        return self._kept(data, stop, table)

    def _rows(self, data: bytes, is_last: bool) -> tuple[pa.Table | None, int]:
        """Return whole rows, and where they end."""
        start = 0
        if self._has_header:
            line, start = self._cutter.cut_line(data, 0, is_last)
            if line is None and not is_last and not self._cutter.is_over:
                return None, 0
            self._check_header(line)
            self._has_header = False
            data = data[start:]
        if self._cutter.is_over or not data:
            return None, start
        table, stop = self._by_arrow(data, is_last)
        if table is None and stop == 0:
            table, stop = self._one_by_one(data, is_last)
        return table, start + stop

    def _kept(self, data: bytes, start: int, table: pa.Table | None = None) -> pa.Table | None:
        """Keep what is no whole row yet. Looks again when there is twice as much: a row may be long."""
        self._pending = bytearray(data[start:])
        if len(self._pending) > _MAX_ROW_BYTES:
            raise RowTooLong(f"a row of COPY is longer than {_MAX_ROW_BYTES} bytes")
        self._enough_bytes = max(_CHUNK_BYTES, 2 * len(self._pending))
        return table

    def _check_header(self, line: bytes | None) -> None:
        if not self._format.must_match:
            return
        names = self._cutter.fields(line or b"")
        if len(names) != len(self._columns):
            raise BadCopyData(f"wrong number of fields in header line: got {len(names)}, expected {len(self._columns)}")
        for place, (found, column) in enumerate(zip(names, self._columns, strict=True), 1):
            if found is None or found.decode() != column.name:
                got = f'null value ("{self._format.null}")' if found is None else f'"{found.decode()}"'
                raise BadCopyData(
                    f'column name mismatch in header line field {place}: got {got}, expected "{column.name}"'
                )

    def _by_arrow(self, data: bytes, is_last: bool) -> tuple[pa.Table | None, int]:
        """Return the rows and where they end; (None, 0) when Arrow would read them otherwise than PostgreSQL."""
        stop, ended = _plain_end(data, self._format, is_last) if self._is_csv else _plain_lines(data, is_last)
        known = self._cutter.line_end
        if not stop or known not in {b"", ended}:
            return None, 0
        data = data[:stop]
        if self._odd.search(data) or (len(self._columns) > 1 and self._empty.search(data)):
            return None, 0
        if not data.endswith(b"\n"):
            data += ended
        if not self._is_csv and ended == b"\r\n":
            data = data.replace(b"\r\n", b"\n")
        try:
            table = self._read(data)
        except pa.ArrowInvalid:
            return None, 0  # the other way finds the words for it
        self._cutter.line_end = ended
        if self._is_csv:
            return self._forced(table), stop
        if b"\\" in data:
            table = pa.table([_unescaped(column) for column in table.columns], names=self._names)
        return table, stop

    def _read(self, data: bytes) -> pa.Table:
        chosen, is_csv = self._format, self._is_csv
        return csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(use_threads=False, column_names=self._names, block_size=max(len(data), 1)),
            csv.ParseOptions(
                delimiter=chosen.delimiter,
                quote_char=chosen.quote if is_csv else False,
                double_quote=is_csv and chosen.escape == chosen.quote,
                escape_char=False,
                newlines_in_values=is_csv,
                ignore_empty_lines=False,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(self._names, pa.string()),
                null_values=[chosen.null],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _one_by_one(self, data: bytes, is_last: bool) -> tuple[pa.Table | None, int]:
        rows: list[list[bytes | None]] = []
        start = 0
        while not self._cutter.is_over:
            row, stop = self._cutter.cut(data, start, is_last)
            if row is None:
                start = stop
                break
            if len(row) > len(self._columns):
                raise BadCopyData("extra data after last expected column")
            if len(row) < len(self._columns):
                raise BadCopyData(f'missing data for column "{self._columns[len(row)].name}"')
            rows.append(row)
            start = stop
        if not rows:
            return None, start
        arrays = [pa.array(values, pa.binary()).cast(pa.string()) for values in zip(*rows, strict=True)]
        return self._forced(pa.table(arrays, names=self._names)), start

    def _forced(self, table: pa.Table) -> pa.Table:
        """Obey FORCE_NOT_NULL and FORCE_NULL."""
        null = self._format.null
        for place in self._format.force_not_null:
            table = table.set_column(place, str(place), pc.fill_null(table.column(place), null))
        for place in self._format.force_null - self._format.force_not_null:
            column = table.column(place)
            table = table.set_column(place, str(place), pc.if_else(pc.equal(column, null), None, column))
        return table


def _plain_lines(data: bytes, is_last: bool) -> tuple[int, bytes]:
    """Return where the last whole line ends and how lines end; 0 when they end in different ways."""
    stop = len(data) if is_last else data.rfind(b"\n") + 1
    newlines, returns = data.count(b"\n", 0, stop), data.count(b"\r", 0, stop)
    if not returns:
        return stop, b"\n"
    return (stop if data.count(b"\r\n", 0, stop) == newlines == returns else 0), b"\r\n"


def _plain_end(data: bytes, chosen: CopyFormat, is_last: bool) -> tuple[int, bytes]:
    """Return the same for csv, where quotes keep line ends from ending a line.

    0 also when a quote stands elsewhere than around a whole field, or an escape character of its own is used.
    """
    quote = chosen.quote.encode()
    if quote not in data:
        return _plain_lines(data, is_last)
    if chosen.escape != chosen.quote and chosen.escape.encode() in data:
        return 0, b""
    letters = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(letters == quote[0])
    newlines = np.flatnonzero(letters == ord("\n"))
    newlines = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    stop = int(newlines[-1]) + 1 if len(newlines) else 0
    if is_last:
        stop = len(data)
    quotes = quotes[: np.searchsorted(quotes, stop)]
    if len(quotes) % 2:
        return 0, b""
    before = np.concatenate((np.array([ord("\n")], np.uint8), letters[:stop]))[quotes[::2]]
    after = np.concatenate((letters[:stop], np.array([ord("\n")], np.uint8)))[quotes[1::2] + 1]
    doubled = quotes[2::2] == quotes[1:-1:2] + 1
    if len(doubled) and chosen.escape != chosen.quote and doubled.any():
        return 0, b""
    delimiter = ord(chosen.delimiter)
    opens = np.isin(before, (delimiter, ord("\n")))
    closes = np.isin(after, (delimiter, ord("\n"), ord("\r")))
    opens[1:] |= doubled
    closes[:-1] |= doubled
    if not (opens.all() and closes.all()):
        return 0, b""
    returns = np.flatnonzero(letters[:stop] == ord("\r"))
    returns = returns[np.searchsorted(quotes, returns) % 2 == 0]
    if not len(returns):
        return stop, b"\n"
    is_alike = len(returns) == len(newlines) and bool((returns + 1 == newlines).all())
    return (stop if is_alike else 0), b"\r\n"


_LETTERS: Final = (("\\b", "\b"), ("\\f", "\f"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\v", "\v"))


def _unescaped(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values with their backslash sequences resolved, but for numbers; NULL was read before."""
    if not pc.any(pc.match_substring(column, "\\")).as_py():
        return column
    column = pc.replace_substring(column, "\\\\", "\0")  # no text holds a zero byte
    for written, meant in _LETTERS:
        column = pc.replace_substring(column, written, meant)
    column = pc.replace_substring_regex(column, r"\\(.)", r"\1")
    return pc.replace_substring(column, "\0", "\\")


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
