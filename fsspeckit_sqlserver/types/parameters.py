"""Values of Bind, in text and binary, as the Python values the engine takes. Pure.

One value becomes: bool, int, float, Decimal, str, bytes, date, time, datetime (with UTC for timestamptz), timedelta,
UUID, or a list of them. What Python cannot hold (infinite dates, years BC, months) stays the text PostgreSQL would
write, which DuckDB casts by itself.
"""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from fsspeckit_lib.errors import BadInput
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.array_in import parse_array
from fsspeckit_sqlserver.types.binary_in import BINARY, DatetimeOutOfRange, InvalidBinary
from fsspeckit_sqlserver.types.composite import RowArrayOid, RowTypeOid
from fsspeckit_sqlserver.types.record_in import split_binary_record, split_record

__all__ = ["DatetimeOutOfRange", "InvalidBinary", "InvalidText", "decode_parameter"]


class InvalidText(BadInput):
    """A text parameter is not a value of its type."""

    kind = "invalid-text"


class InvalidEncoding(InvalidText):
    """A text parameter is not text in UTF-8, or holds a zero byte."""

    kind = "invalid-encoding"


Decoder = Callable[[str], object]


def decode_parameter(type_oid: int, wire_format: int, value: bytes | None, number: int) -> object:
    """Return the Python value of one parameter.

    Args:
        type_oid: as Parse or the engine said; 0 counts as text.
        wire_format: 0 is text, 1 is binary.
        value: None is NULL.
        number: which parameter, from 1, for the error.

    Raises:
        InvalidText, InvalidBinary: not a value of this type.
    """
    if value is None:
        return None
    if wire_format == 0:
        return _from_text(type_oid, value)
    try:
        return _from_binary(type_oid, value)
    except (struct.error, ValueError, OverflowError, UnicodeDecodeError, IndexError) as error:
        raise InvalidBinary(f"incorrect binary data format in bind parameter {number}") from error


_NAMES: Final = MappingProxyType(
    {
        oids.BOOL: "boolean",
        oids.INT2: "smallint",
        oids.INT4: "integer",
        oids.INT8: "bigint",
        oids.OID: "oid",
        oids.FLOAT4: "real",
        oids.FLOAT8: "double precision",
        oids.NUMERIC: "numeric",
        oids.UUID: "uuid",
        oids.BYTEA: "bytea",
    }
)


def _from_text(type_oid: int, value: bytes) -> object:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        first = value[error.start]
        size = 1 if first < 0xC0 or first >= 0xF8 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        found = " ".join(f"0x{byte:02x}" for byte in value[error.start : error.start + size])
        raise InvalidEncoding(f'invalid byte sequence for encoding "UTF8": {found}') from error
    if "\0" in text:
        raise InvalidEncoding('invalid byte sequence for encoding "UTF8": 0x00')
    return _text_value(type_oid, text)


def _text_value(type_oid: int, text: str) -> object:
    if isinstance(type_oid, RowTypeOid):
        return _record(type_oid, text)
    try:
        if isinstance(type_oid, RowArrayOid):
            row = type_oid.element
            return parse_array(text, lambda element: _record(row, element))
        if type_oid in oids.ELEMENT_OF:
            element = oids.ELEMENT_OF[type_oid]
            return parse_array(text, _TEXT.get(element, str))
        return _TEXT.get(type_oid, str)(text)
    except (ValueError, InvalidOperation, OverflowError) as error:
        what = _NAMES.get(type_oid, "the type of the parameter")
        raise InvalidText(f'invalid input syntax for type {what}: "{text}"') from error


def _record(row: RowTypeOid, text: str) -> dict[str, object]:
    fields = row.row_type.fields
    try:
        parts = split_record(text, len(fields))
    except ValueError as error:
        raise InvalidText(f'malformed record literal: "{text}"') from error
    return {
        field.name: None if part is None else _text_value(field.type_oid, part)
        for field, part in zip(fields, parts, strict=True)
    }


_TRUE = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_FALSE = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(text)


def _integer(low: int, high: int) -> Decoder:
    def decode(text: str) -> int:
        value = int(text)  # refuses what int() alone allows, underscores, below
        if "_" in text or not low <= value <= high:
            raise ValueError(text)
        return value

    return decode


def _float(text: str) -> float:
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _bytea(text: str) -> bytes:
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    result = bytearray()
    place = 0
    while place < len(text):
        if text[place] != "\\":
            result += text[place].encode()
            place += 1
        elif text[place + 1 : place + 2] == "\\":
            result.append(92)
            place += 2
        else:
            result.append(int(text[place + 1 : place + 4], 8))
            place += 4
    return bytes(result)


def _date(text: str) -> object:
    try:
        return datetime.date.fromisoformat(text.strip())
    except ValueError:
        return text  # infinity, BC and the many other spellings: DuckDB knows most, and names the rest in its error


def _time(text: str) -> object:
    try:
        return datetime.time.fromisoformat(text.strip()).replace(tzinfo=None) if ":" in text else text
    except ValueError:
        return text


def _timestamp(text: str) -> object:
    try:
        return datetime.datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return text


def _timestamptz(text: str) -> object:
    """Return a datetime only where the text has an offset; else the session's time zone decides, in DuckDB."""
    try:
        value = datetime.datetime.fromisoformat(text.strip())
        return value.astimezone(datetime.UTC) if value.tzinfo is not None else text
    except (ValueError, OverflowError):
        return text


_TEXT: Final[Mapping[int, Decoder]] = MappingProxyType(
    {
        oids.BOOL: _bool,
        oids.INT2: _integer(-(2**15), 2**15 - 1),
        oids.INT4: _integer(-(2**31), 2**31 - 1),
        oids.INT8: _integer(-(2**63), 2**63 - 1),
        oids.OID: _integer(-(2**31), 2**32 - 1),
        oids.FLOAT4: _float,
        oids.FLOAT8: _float,
        oids.NUMERIC: Decimal,
        oids.BYTEA: _bytea,
        oids.DATE: _date,
        oids.TIME: _time,
        oids.TIMESTAMP: _timestamp,
        oids.TIMESTAMPTZ: _timestamptz,
        oids.UUID: uuid.UUID,
    }
)


def _from_binary(type_oid: int, value: bytes) -> object:
    if isinstance(type_oid, RowTypeOid):
        fields, parts = type_oid.row_type.fields, split_binary_record(value)
        if [int(field.type_oid) for field in fields] != [oid for oid, _ in parts]:
            raise ValueError("the record has other fields")
        return {
            field.name: None if part is None else _from_binary(field.type_oid, part)
            for field, (_, part) in zip(fields, parts, strict=True)
        }
    if isinstance(type_oid, RowArrayOid):
        return _binary_array(value, type_oid.element)
    if type_oid in oids.ELEMENT_OF:
        return _binary_array(value)
    decoder = BINARY.get(type_oid)
    if decoder is not None:
        return decoder(value)
    if type_oid == 0 or type_oid in oids.TEXT_LIKE:
        return value.decode()
    raise ValueError(f"no binary form is known for type {type_oid}")


def _binary_array(data: bytes, row: RowTypeOid | None = None) -> object:
    dimensions, _, element_oid = struct.unpack_from("!iii", data)
    if row is not None and element_oid != row:
        raise ValueError("the array has other elements")
    element_oid = row or element_oid
    if not 0 <= dimensions <= 6:
        raise ValueError("invalid number of dimensions")
    sizes = [struct.unpack_from("!ii", data, 12 + 8 * index)[0] for index in range(dimensions)]
    place = 12 + 8 * dimensions
    values: list[object] = []
    while place < len(data):
        (length,) = struct.unpack_from("!i", data, place)
        place += 4
        if length == -1:
            values.append(None)
            continue
        if length < 0 or place + length > len(data):
            raise ValueError("array element is cut off")
        values.append(_from_binary(element_oid, data[place : place + length]))
        place += length
    for size in reversed(sizes[1:]):
        if size <= 0:
            raise ValueError("invalid array size")
        values = [values[start : start + size] for start in range(0, len(values), size)]
    if sizes and len(values) != sizes[0]:
        raise ValueError("array sizes and elements differ")
    return values
