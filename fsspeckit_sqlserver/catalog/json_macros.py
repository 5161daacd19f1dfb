"""How values become JSON, as PostgreSQL writes it: DuckDB macros over two functions in Python.

DuckDB's own `to_json` writes numerics as doubles, times with a space, NaN without quotes. Values whose text is their
JSON stay with DuckDB, by their type, which is known when a statement is bound; the others go to `gw_json_text`, a whole
vector of values at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import weakref
from collections.abc import Callable
from typing import Any, Final

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.types.column import Column
from fsspeckit_sqlserver.types.composite import RECORD, composite_column
from fsspeckit_sqlserver.types.json_out import JsonForm, documents, elements
from fsspeckit_sqlserver.types.jsonb_operations import OPERATIONS, JsonbProblem
from fsspeckit_sqlserver.types.style import TextStyle
from fsspeckit_sqlserver.types.text_out import text_array

__all__ = ["JSON_MACROS", "install_json"]

_DIGITS: Final = """('BOOLEAN', 'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT',
    'UINTEGER', 'UBIGINT', 'UHUGEINT', 'BIGNUM')"""

JSON_MACROS: Final = (
    # `m` is the form, `json`, `jsonb`, `pretty`, `agg` or `aggb`, and the style of intervals
    f"""CREATE MACRO gw_pg.gw_json(x, m) AS CASE
        WHEN typeof(x) IN {_DIGITS} OR regexp_full_match(typeof(x), 'DECIMAL[(][0-9, ]+[)]') THEN x::VARCHAR
        WHEN typeof(x) IN ('VARCHAR', 'UUID', 'BIT', 'TIME WITH TIME ZONE')
            OR (starts_with(typeof(x), 'ENUM(') AND ends_with(typeof(x), ')')) THEN to_json(x::VARCHAR)::VARCHAR
        WHEN typeof(x) = 'JSON' AND starts_with(m, 'json ') THEN x::VARCHAR
        ELSE gw_json_text(x, typeof(x), current_setting('TimeZone'), m) END""",
    # of an expression that is worth naming once
    "CREATE MACRO gw_pg.gw_json_of(x, m) AS list_transform([x], lambda e: gw_pg.gw_json(e, m))[1]",
    "CREATE MACRO gw_pg.gw_jsonb(x) AS gw_json_text(x, 'JSON', 'UTC', 'jsonb postgres')::JSON",
    "CREATE MACRO gw_pg.gw_jsonb_two(o, a, b) AS gw_jsonb_text(o, a, b)::JSON",
    "CREATE MACRO gw_pg.gw_jsonb_test(o, a, b) AS gw_jsonb_text(o, a, b)::BOOLEAN",
    """CREATE MACRO gw_pg.jsonb_set(a, p, n) AS gw_jsonb_text('set', a::JSON, p, n::JSON, true)::JSON,
        (a, p, n, c) AS gw_jsonb_text('set', a::JSON, p, n::JSON, c)::JSON""",
    """CREATE MACRO gw_pg.gw_json_pairs(k, v) AS CASE
        WHEN len(k) <> len(v) THEN error('22023 mismatched array dimensions')::VARCHAR
        WHEN len(list_filter(k, lambda e: e IS NULL)) > 0
            THEN error('22023 null value not allowed for object key')::VARCHAR
        WHEN len(k) = 0 THEN '{}'
        ELSE '{' || array_to_string(list_transform(k, lambda e, i: to_json(e)::VARCHAR || ' : '
            || coalesce(to_json(v[i])::VARCHAR, 'null')), ', ') || '}' END""",
    """CREATE MACRO gw_pg.gw_json_flat(a) AS CASE
        WHEN len(a) % 2 = 1 THEN error('22023 array must have even number of elements')::VARCHAR
        ELSE gw_pg.gw_json_pairs(list_filter(a, lambda e, i: i % 2 = 1), list_filter(a, lambda e, i: i % 2 = 0)) END""",
)
"""DDL of the macros, those used by others first."""

_BINARY: Final = frozenset({"jsonb", "aggb"})
_COLLECTED: Final = frozenset({"agg", "aggb"})


def _json_text(values: pa.Array, kinds: pa.Array, zones: pa.Array, forms: pa.Array) -> pa.Array:
    """Return values of one type as JSON; the other arguments are the same for all."""
    if not len(values):
        return pa.array([], pa.string())
    word, _, interval_style = forms[0].as_py().partition(" ")
    form = JsonForm(
        is_binary=word in _BINARY,
        is_pretty=word == "pretty",
        time_zone=zones[0].as_py(),
        interval_style=interval_style,
    )
    write = elements if word in _COLLECTED else documents
    if word == "record":
        column = composite_column(Column("", RECORD), kinds[0].as_py())
        style = TextStyle(time_zone=form.time_zone, interval_style=interval_style)
        return text_array(values.combine_chunks(), column.type_oid, style)
    try:
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        return write(values, kinds[0].as_py(), form)
    except Unsupported as error:  # as what the macros raise themselves
        raise ValueError(f"0A000 {error}") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError("22P02 invalid input syntax for type json") from error


def _operated(words: pa.Array, *arguments: pa.Array) -> pa.Array:
    """Return an operation's results as text. Loops over documents: each is parsed."""
    if not len(words):
        return pa.array([], pa.string())
    operation = OPERATIONS[words[0].as_py()]
    columns = [argument.to_pylist() for argument in arguments]
    try:
        results = [
            None if None in row else operation(*row)  # all of them are strict
            for row in zip(*columns, strict=True)
        ]
    except JsonbProblem as error:
        raise ValueError(str(error)) from error
    return pa.array([str(value).lower() if isinstance(value, bool) else value for value in results], pa.string())


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {"gw_jsonb_text": _operated, "gw_json_text": _json_text}


def install_json(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions the macros call."""
    for name, function in _FUNCTIONS.items():
        connection.create_function(
            name, function, None, "VARCHAR", type=PythonUDFType.ARROW, null_handling=FunctionNullHandling.SPECIAL
        )
    atexit.register(_forget, weakref.ref(connection))


def _forget(reference: weakref.ref[duckdb.DuckDBPyConnection]) -> None:
    """Let go of the functions when the process ends: else DuckDB 2.0 complains on stderr of what nobody closed."""
    connection = reference()
    if connection is not None:
        for name in _FUNCTIONS:
            with contextlib.suppress(duckdb.Error):  # it is closed
                connection.remove_function(name)
