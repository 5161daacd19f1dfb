"""Arrow columns of any type as JSON, as PostgreSQL's `to_json` and `to_jsonb` write them. Pure.

No Python loop over values but for jsonb's documents, maps, and numbers and texts that are out of the ordinary.
Source: PostgreSQL 15, `datum_to_json`, `composite_to_json`, `escape_json`, `JsonEncodeDateTime`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.types.bytea import hex_text
from fsspeckit_sqlserver.types.cells import Cells, Var, binary_from_fixed
from fsspeckit_sqlserver.types.composite import field_types
from fsspeckit_sqlserver.types.jsonb import jsonb_text, key_order, plain_digits
from fsspeckit_sqlserver.types.kernels import pc
from fsspeckit_sqlserver.types.nested import json_text
from fsspeckit_sqlserver.types.numbers import decimal_text, float_text
from fsspeckit_sqlserver.types.text_out import plain
from fsspeckit_sqlserver.types.times import date_text, interval_text, time_text, timestamp_text

__all__ = ["JsonForm", "documents", "elements"]


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How documents are written.

    Attributes:
        is_binary: as jsonb.
        is_pretty: each field, or element, of the outermost document on a line of its own.
        time_zone: of timestamptz.
        interval_style: as IntervalStyle names it.
    """

    is_binary: bool = False
    is_pretty: bool = False
    time_zone: str = "UTC"
    interval_style: str = "postgres"


def documents(array: pa.Array, duckdb_type: str, form: JsonForm) -> pa.Array:
    """Return each value as a document, NULL as NULL.

    Args:
        duckdb_type: of the values: Arrow's does not tell json from text.

    Raises:
        Unsupported: a type within the values has no JSON form here.
        ValueError: a json of the values is none.
    """
    return _written(array, duckdb_type, form, ",\n " if form.is_pretty else _comma(form))


def elements(array: pa.Array, duckdb_type: str, form: JsonForm) -> pa.Array:
    """Return lists as `json_agg` writes what it collects: rows and arrays each on a line of its own.

    Args:
        duckdb_type: of the lists.
    """
    array = plain(array)
    inner = duckdb_type[:-2]
    is_structured = not form.is_binary and (inner.startswith(("STRUCT(", "TUPLE(", "MAP(")) or inner.endswith("]"))
    values, offsets = _flattened(array)
    texts = _written(values, inner, form, _comma(form))
    if is_structured and len(texts):
        is_later = np.ones(len(texts), bool)
        starts = offsets.to_numpy()
        is_later[starts[starts < len(texts)]] = False
        texts = pc.if_else(pa.array(is_later), pc.binary_join_element_wise("\n ", texts, ""), texts)
    return _joined(array, texts, offsets, ", ")


def _comma(form: JsonForm) -> str:
    return ", " if form.is_binary else ","


def _written(array: pa.Array, text: str, form: JsonForm, comma: str) -> pa.Array:
    array = plain(array)
    kind = array.type
    types = pa.types
    if types.is_list(kind):
        values, offsets = _flattened(array)
        return _joined(array, _written(values, text[: text.rindex("[")], form, _comma(form)), offsets, comma)
    if types.is_struct(kind):
        return _struct(array, text, form, comma)
    if types.is_map(kind):
        return _normalised(json_text(array), form)
    if types.is_string(kind):
        return _normalised(array, form) if text == "JSON" else _quoted(array)
    return _scalar(array, text, form)


def _scalar(array: pa.Array, text: str, form: JsonForm) -> pa.Array:
    kind = array.type
    types = pa.types
    if types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    if types.is_boolean(kind) or types.is_integer(kind):
        return pc.cast(array, pa.string())
    if types.is_decimal(kind):
        return decimal_text(array)
    if types.is_floating(kind):
        return _float(array, form)
    if not len(array):  # the tables of times want one value at least
        return pa.array([], pa.string())
    if types.is_date(kind):
        return _in_quotes(_strings(date_text(array), len(array)))
    if types.is_timestamp(kind):
        texts = pc.replace_substring(
            _strings(timestamp_text(array, form.time_zone), len(array)), " ", "T", max_replacements=1
        )
        if kind.tz is not None:
            texts = pc.replace_substring_regex(texts, r"([+-]\d\d)( BC)?$", r"\1:00\2")
        return _in_quotes(texts)
    if types.is_time(kind) and "ZONE" not in text:
        return _in_quotes(time_text(array))
    if types.is_interval(kind):
        return _in_quotes(interval_text(array, form.interval_style))
    if types.is_binary(kind) and text == "BLOB":
        return _quoted(hex_text(array))
    raise Unsupported(f"a value of type {text} inside of a row or an array cannot become json; cast it to text")


def _strings(cells: Cells, count: int) -> pa.Array:
    return cells.array if isinstance(cells, Var) else binary_from_fixed(cells.pieces, count, cells.valid).cast("string")


def _in_quotes(texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', texts, '"', "")


def _float(array: pa.Array, form: JsonForm) -> pa.Array:
    texts = float_text(array)
    is_word = pc.match_substring_regex(texts, "[Nf]")
    if pc.any(is_word).as_py():
        texts = pc.if_else(is_word, _in_quotes(texts), texts)
    if form.is_binary:  # a numeric
        odd = pc.fill_null(pc.or_(pc.match_substring(texts, "e"), pc.equal(texts, "-0")), False)
        if pc.any(odd).as_py():
            again = [plain_digits(text) for text in texts.filter(odd).to_pylist()]
            texts = pc.replace_with_mask(texts, odd, pa.array(again, pa.string()))
    return texts


def _quoted(texts: pa.Array) -> pa.Array:
    """Return texts as strings of JSON."""
    if pc.any(pc.match_substring_regex(texts, r'["\\\x00-\x1f]')).as_py():
        for found, wanted in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
            texts = pc.replace_substring(texts, found, wanted)
        rare = pc.fill_null(pc.match_substring_regex(texts, r"[\x00-\x1f]"), False)
        if pc.any(rare).as_py():
            again = [_escaped_rest(text) for text in texts.filter(rare).to_pylist()]
            texts = pc.replace_with_mask(texts, rare, pa.array(again, pa.string()))
    return _in_quotes(texts)


def _escaped_rest(text: str) -> str:
    return "".join(letter if letter >= " " else json.dumps(letter)[1:-1] for letter in text)


def _normalised(texts: pa.Array, form: JsonForm) -> pa.Array:
    if not form.is_binary:
        return texts
    odd = pc.fill_null(pc.match_substring_regex(texts, r"[\[{eE\\ ]|^-0"), False)  # what is no plain scalar
    if not pc.any(odd).as_py():
        return texts
    again = [jsonb_text(text) for text in texts.filter(odd).to_pylist()]
    return pc.replace_with_mask(texts, odd, pa.array(again, pa.string()))


def _flattened(array: pa.ListArray) -> tuple[pa.Array, pa.Array]:
    """Return the values of lists, and where each list begins in them; a NULL list is empty there."""
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    starts = np.zeros(len(array) + 1, np.int32)
    np.cumsum(lengths.to_numpy(zero_copy_only=False), out=starts[1:])
    return array.flatten(), pa.array(starts)


def _joined(array: pa.ListArray, texts: pa.Array, offsets: pa.Array, comma: str) -> pa.Array:
    lists = pa.ListArray.from_arrays(offsets, pc.fill_null(texts, "null"))
    joined = pc.binary_join_element_wise("[", pc.binary_join(lists, comma), "]", "")
    return pc.if_else(pc.is_valid(array), joined, None) if array.null_count else joined


def _struct(array: pa.StructArray, text: str, form: JsonForm, comma: str) -> pa.Array:
    fields = {  # of jsonb, the last of several of one name
        (name if form.is_binary else place): (name, values, kind)
        for place, ((name, kind), values) in enumerate(zip(field_types(text), array.flatten(), strict=True))
    }
    order: list[str | int] = [*fields]
    if form.is_binary:
        order = [*key_order(str(name) for name in fields)]
    between = ": " if form.is_binary else ":"
    parts: list[pa.Array | str] = ["{"]
    for number, key in enumerate(order):
        name, values, kind = fields[key]
        written = _written(values, kind, form, _comma(form))
        parts.append(f"{comma if number else ''}{json.dumps(name, ensure_ascii=False)}{between}")
        parts.append(pc.fill_null(written, "null"))
    joined = pc.binary_join_element_wise(*parts, pa.scalar("}"), "") if fields else pa.array(["{}"] * len(array))
    return pc.if_else(pc.is_valid(array), joined, None) if array.null_count else joined
