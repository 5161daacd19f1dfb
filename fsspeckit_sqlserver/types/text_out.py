"""Arrow columns in PostgreSQL's own output text.

Pure. No Python loop over values for bool, numbers, text, bytea, uuid, dates and times in the years 1 to 9999, and lists
of them. Loops, once per distinct or per odd value: intervals, dates outside those years, structs, maps and unions.
Source: the output functions of PostgreSQL 16 (`float8out`, `numeric_out`, `timestamptz_out`, `array_out`, …).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.types import oids
from fsspeckit_sqlserver.types.bytea import escape_text, hex_text
from fsspeckit_sqlserver.types.cells import Cells, Fixed, Var, binary_from_fixed, valid_mask
from fsspeckit_sqlserver.types.composite import RowArrayOid, RowTypeOid, record_text
from fsspeckit_sqlserver.types.datestyle import restyled
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.nested import array_text, json_text, vector_text
from fsspeckit_sqlserver.types.numbers import decimal_text, float_text, rounded_text
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.types.times import date_text, interval_text, time_text, timestamp_text

__all__ = ["plain", "text_array", "text_cells"]


def plain(array: pa.Array) -> pa.Array:
    """Return the column without Arrow's wrappings: extension types, dictionaries, views and 64-bit offsets."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(array.storage)
    if pa.types.is_dictionary(kind):
        return plain(array.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return array.cast(pa.string())
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return array.cast(pa.binary())
    if pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_list_view(kind):
        return array.cast(pa.list_(kind.value_type))
    return array


def text_cells(array: pa.Array, type_oid: int, style: TextStyle) -> Cells:
    """Return a column's text form.

    Args:
        array: n values of any type that DuckDB exports.
        type_oid: the type it was announced as.
        style: the session's settings.

    Raises:
        Unsupported: the Arrow type has no text form here.
    """
    if not len(array):  # the elements of empty lists
        return Var(pa.array([], pa.string()))
    array = plain(array)
    kind = array.type
    types = pa.types
    if types.is_string(kind):
        return Var(array)
    if types.is_integer(kind):
        return Var(pc.cast(array, pa.string()))
    if types.is_floating(kind):
        return Var(float_text(array) if style.extra_float_digits > 0 else rounded_text(array, style.extra_float_digits))
    if types.is_timestamp(kind):
        return _in_style(timestamp_text(array, style.time_zone), len(array), style)
    if types.is_decimal(kind):
        return Var(decimal_text(array))
    if types.is_date(kind):
        return _in_style(date_text(array), len(array), style)
    if types.is_boolean(kind):
        letters = np.where(
            pc.fill_null(array, False).to_numpy(zero_copy_only=False), np.uint8(116), np.uint8(102)
        )  # t, f
        return Fixed((letters,), valid_mask(array))
    return Var(_other(array, type_oid, style))


def _in_style(cells: Cells, row_count: int, style: TextStyle) -> Cells:
    """Return dates or timestamps, which are written in ISO, in the session's DateStyle."""
    if style.date_style.startswith("ISO"):
        return cells
    if isinstance(cells, Fixed):
        texts = binary_from_fixed(cells.pieces, row_count, cells.valid).cast(pa.string())
    else:
        texts = cells.array
    return Var(restyled(texts, style.date_style, style.time_zone))


def text_array(array: pa.Array, type_oid: int, style: TextStyle) -> pa.Array:
    """Return a column's text form as an Arrow string array."""
    cells = text_cells(array, type_oid, style)
    if isinstance(cells, Var):
        return cells.array
    return binary_from_fixed(cells.pieces, len(array), cells.valid).cast(pa.string())


def _other(array: pa.Array, type_oid: int, style: TextStyle) -> pa.Array:
    kind = array.type
    types = pa.types
    if types.is_time(kind):
        return time_text(array)
    if types.is_binary(kind):
        return hex_text(array) if style.bytea_output == "hex" else escape_text(array)
    if types.is_interval(kind):
        return interval_text(array, style.interval_style)
    if types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    if types.is_list(kind) and type_oid in {oids.INT2VECTOR, oids.OIDVECTOR}:
        return vector_text(array)
    if types.is_struct(kind) and isinstance(type_oid, RowTypeOid):
        return record_text(array, type_oid.row_type.fields, lambda values, oid: text_array(values, oid, style))
    if types.is_list(kind) and isinstance(type_oid, RowArrayOid):
        return array_text(array, lambda values: text_array(values, type_oid.element, style))
    if types.is_list(kind) and type_oid in oids.ELEMENT_OF:
        return array_text(array, lambda values: text_array(values, oids.ELEMENT_OF[type_oid], style))
    if types.is_nested(kind):
        return json_text(array)
    raise Unsupported(f"a column of Arrow type {kind} has no PostgreSQL form; cast it to text in the query")
