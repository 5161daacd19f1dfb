"""Rows as COPY TO STDOUT sends them: one CopyData message per row, in text, csv or binary.

Pure. Like `datarow`: the columns become bytes by Arrow and numpy, and are spliced by one kernel. A binary row is a
DataRow with another letter in front. Source: PostgreSQL 16 manual, COPY, "File Formats".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.cells import Fixed, Vector, binary_from_fixed, data_of, lengths_of, offsets_of
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.datarow import RowEncoder
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.types.text_out import text_cells

__all__ = ["BINARY_HEADER", "BINARY_TRAILER", "CopyFormat", "CopyTextEncoder", "copy_encoder"]

BINARY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_TRAILER: Final = b"\xff\xff"

# Types whose text is letters, digits and a few marks: it holds nothing that COPY has to escape, unless the delimiter
# is one of those.
_PLAIN: Final = frozenset(
    {oids.BOOL, oids.INT2, oids.INT4, oids.INT8, oids.OID, oids.UUID, oids.FLOAT4, oids.FLOAT8, oids.NUMERIC}
    | {oids.DATE, oids.TIME, oids.TIMETZ, oids.TIMESTAMP, oids.TIMESTAMPTZ, oids.INTERVAL}
)
_PLAIN_MARKS: Final = " +-:./@"
_MAX_BYTES: Final = 1 << 29  # Arrow's offsets have 31 bits; delimiters and lengths come on top
_TEXT_SPECIAL: Final = b"\\\n\r\t\b\f\v"
_LETTERS: Final = ((r"\\", r"\\\\"), (r"\x08", r"\\b"), (r"\f", r"\\f"), (r"\n", r"\\n"), (r"\r", r"\\r"),
                   (r"\t", r"\\t"), (r"\x0b", r"\\v"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class CopyFormat:
    """The options of one COPY.

    Attributes:
        format: text, csv or binary.
        delimiter, quote, escape: one character each; the last two of csv only.
        null: what stands for NULL.
        header: a first line with the columns' names is written, or skipped.
        force_quote: places of the columns whose values are always quoted.
        force_not_null, force_null: places of columns that never, or even when quoted, read as NULL.
    """

    format: Literal["text", "csv", "binary"] = "text"
    delimiter: str = "\t"
    null: str = "\\N"
    quote: str = '"'
    escape: str = '"'
    header: bool = False
    must_match: bool = False
    force_quote: frozenset[int] = frozenset()
    force_not_null: frozenset[int] = frozenset()
    force_null: frozenset[int] = frozenset()

    @property
    def wire_format(self) -> int:
        """1 for binary, 0 for the others."""
        return 1 if self.format == "binary" else 0

    def header_line(self, names: Sequence[str]) -> bytes:
        """Return the first line."""
        if self.format == "csv":
            written = [self._quoted(name) if self._needs_quotes(name) else name for name in names]
        else:
            written = [re.sub(r"[\\\n\r\t]", lambda match: "\\" + match[0], name) for name in names]
        return (self.delimiter.join(written) + "\n").encode()

    def _needs_quotes(self, text: str) -> bool:
        return text == self.null or any(letter in text for letter in (self.delimiter, self.quote, "\n", "\r"))

    def _quoted(self, text: str) -> str:
        escaped = text.replace(self.escape, self.escape * 2) if self.escape != self.quote else text
        return f"{self.quote}{escaped.replace(self.quote, self.escape + self.quote)}{self.quote}"


def copy_encoder(columns: Sequence[Column], style: TextStyle, chosen: CopyFormat) -> _BinaryEncoder | CopyTextEncoder:
    """Return what encodes the batches of a COPY."""
    if chosen.format == "binary":
        return _BinaryEncoder(RowEncoder(columns, (1,) * len(columns), style, tag=b"d"))
    return CopyTextEncoder(columns, style, chosen)


class _BinaryEncoder:
    """Rows in binary. The file's header goes into the message of the first row, as PostgreSQL sends it.

    The batches of one result are encoded in any order, but the first one is asked for first.
    """

    def __init__(self, rows: RowEncoder) -> None:
        self._rows = rows
        self._header = BINARY_HEADER

    def encode(self, batch: pa.RecordBatch) -> memoryview:
        """Return the rows of a batch as CopyData messages."""
        header, self._header = self._header, b""
        encoded = self._rows.encode(batch)
        if not header or not encoded:
            return encoded
        size = int.from_bytes(encoded[1:5], "big") + len(header)
        return memoryview(b"".join((b"d", size.to_bytes(4, "big"), header, encoded[5:])))


class CopyTextEncoder:
    """Encodes batches in text or csv. Safe to use from several threads."""

    def __init__(self, columns: Sequence[Column], style: TextStyle, chosen: CopyFormat) -> None:
        """Prepare for columns."""
        self._columns, self._style, self._format = tuple(columns), style, chosen
        special = _TEXT_SPECIAL + chosen.delimiter.encode()
        if chosen.format == "csv":
            special = (chosen.delimiter + chosen.quote + "\n\r").encode()
        self._letters = tuple(letter for letter in special if letter >= 14)
        marks = chosen.delimiter + (chosen.quote if chosen.format == "csv" else "")
        nothing_is_plain = any(mark.isalnum() or mark in _PLAIN_MARKS for mark in marks) or chosen.null.isalnum()
        self._plain: frozenset[int] = frozenset() if nothing_is_plain else _PLAIN

    def encode(self, batch: pa.RecordBatch) -> memoryview:
        """Return the rows of a batch as CopyData messages."""
        count = batch.num_rows
        if not count:
            return memoryview(b"")
        delimiter = self._format.delimiter.encode()
        parts: list[pa.Array] = []
        run: list[Vector | bytes] = []  # columns of fixed width that stand side by side
        for place, (column, array) in enumerate(zip(self._columns, batch.columns, strict=True)):
            cells = text_cells(array, column.type_oid, self._style)
            is_plain = column.type_oid in self._plain and place not in self._format.force_quote
            if isinstance(cells, Fixed) and cells.valid is None and is_plain:
                run += [delimiter, *cells.pieces] if run else cells.pieces
                continue
            if run:
                parts.append(binary_from_fixed(run, count))
                run = []
            if isinstance(cells, Fixed):
                texts = binary_from_fixed(cells.pieces, count, cells.valid).cast(pa.string())
            else:
                texts = cells.array
            if not is_plain:
                texts = self._quoted(texts, place) if self._format.format == "csv" else self._escaped(texts)
            if texts.null_count:
                texts = pc.fill_null(texts, self._format.null)
            parts.append(pa.Array.from_buffers(pa.binary(), count, [None, *texts.buffers()[1:]], 0, texts.offset))
        if run:
            parts.append(binary_from_fixed(run, count))
        if sum(int(offsets_of(part)[-1]) - int(offsets_of(part)[0]) for part in parts) > _MAX_BYTES and count > 1:
            half = count // 2
            return memoryview(b"".join((self.encode(batch.slice(0, half)), self.encode(batch.slice(half)))))
        lines = pc.binary_join_element_wise(*parts, delimiter) if parts else pa.array([b""] * count, pa.binary())
        sizes = (lengths_of(lines) + 5).astype(">i4")  # the length itself, and the end of the line
        joined = pc.binary_join_element_wise(binary_from_fixed((b"d", sizes), count), lines, b"\n", b"")
        return memoryview(joined.buffers()[2])[: int(offsets_of(joined)[-1])]

    def _has_special(self, texts: pa.Array) -> bool:
        offsets = offsets_of(texts)
        data = data_of(texts)[int(offsets[0]) : int(offsets[-1])]
        return any((data == letter).any() for letter in self._letters) or bool((data < 14).any())

    def _escaped(self, texts: pa.Array) -> pa.Array:
        if not self._has_special(texts):
            return texts
        for pattern, replacement in _LETTERS:
            texts = pc.replace_substring_regex(texts, pattern, replacement)
        delimiter = self._format.delimiter
        if delimiter.encode() not in _TEXT_SPECIAL:
            texts = pc.replace_substring(texts, delimiter, "\\" + delimiter)
        return texts

    def _quoted(self, texts: pa.Array, place: int) -> pa.Array:
        chosen = self._format
        if place in chosen.force_quote:
            needs = pc.is_valid(texts)
        else:
            needs = pc.equal(texts, chosen.null)
            if len(self._columns) == 1:  # alone in its line it would end the data
                needs = pc.or_(needs, pc.equal(texts, "\\."))
            if self._has_special(texts):
                letters = "".join(map(re.escape, {chosen.delimiter, chosen.quote}))
                needs = pc.or_(needs, pc.match_substring_regex(texts, f"[{letters}\n\r]"))
        if not pc.any(needs).as_py():
            return texts
        escaped = texts
        if chosen.escape != chosen.quote:
            escaped = pc.replace_substring(escaped, chosen.escape, chosen.escape * 2)
        escaped = pc.replace_substring(escaped, chosen.quote, chosen.escape + chosen.quote)
        quoted = pc.binary_join_element_wise(chosen.quote, escaped, chosen.quote, "")
        return pc.if_else(needs, quoted, texts)
