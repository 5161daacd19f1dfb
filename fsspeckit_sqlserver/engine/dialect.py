"""From PostgreSQL's SQL to DuckDB's, on the parse tree. Pure.

Works on a tree whose table references are resolved already. Children are rewritten before their parents, so a rule
sees arguments in their final form. Every SELECT list gets PostgreSQL's column names first, while the names can still
be told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.catalog.temporary import OWN_SCHEMA, own_names
from fsspeckit_sqlserver.engine.casts import REG_TYPES, rewrite_cast, rewrite_type, show_reg_cast
from fsspeckit_sqlserver.engine.date_formats import name_zones, zone_word
from fsspeckit_sqlserver.engine.errors import UndefinedObject, UndefinedSchema, UnsupportedStatement
from fsspeckit_sqlserver.engine.functions import REWRITES, SET_RETURNING, check_function, renamed
from fsspeckit_sqlserver.engine.json_makers import JSON_MAKERS, json_made
from fsspeckit_sqlserver.engine.naming import is_session_word, name_targets, output_name
from fsspeckit_sqlserver.engine.operators import rewrite_operator
from fsspeckit_sqlserver.engine.row_functions import (
    check_row_function,
    name_elements,
    name_values,
    rewrite_row_function,
)
from fsspeckit_sqlserver.engine.styling import (
    TextForm,
    restyle_arguments,
    restyle_cast,
    restyle_concatenation,
    restyle_macro,
)
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    child_messages,
    copied,
    integer,
    names_of,
    null,
    parsed_expression,
    replace_node,
    string,
    type_name,
    walk,
)

__all__ = ["Dialect", "Surroundings", "point_at_own"]

_PLAIN_COLLATIONS: Final = frozenset(
    {"default", "c", "posix", "ucs_basic", "c.utf-8", "c.utf8", "unicode", "en_us.utf-8"}
)
_SYSTEM_COLUMNS: Final = frozenset({"xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"})
_NOW_FUNCTIONS: Final = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
_TIME_TYPES: Final = {
    pb.SVFOP_CURRENT_DATE: "date",
    pb.SVFOP_CURRENT_TIME: "timetz",
    pb.SVFOP_CURRENT_TIME_N: "timetz",
    pb.SVFOP_CURRENT_TIMESTAMP: "timestamptz",
    pb.SVFOP_CURRENT_TIMESTAMP_N: "timestamptz",
    pb.SVFOP_LOCALTIME: "time",
    pb.SVFOP_LOCALTIME_N: "time",
    pb.SVFOP_LOCALTIMESTAMP: "timestamp",
    pb.SVFOP_LOCALTIMESTAMP_N: "timestamp",
}

_REG_STEMS = frozenset(REG_TYPES.values())
_SHARED_SCHEMAS = frozenset({"gw_pg", "gw_info"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a statement may ask of its session and of the catalog.

    Attributes:
        user, database, version: constants.
        search_path: schemas in order, without the implicit pg_catalog.
        macros: functions of the catalog, by name → DuckDB's qualified name.
        table_macros: likewise, for FROM.
        now_parameter: number of the parameter that holds the statement's time; None leaves `now()` to DuckDB.
        temp_schema: of the session's temporary objects; None when there are none.
        text_style: how dates, times and intervals become text; None for ISO.
        time_zone: of the session.
        float_digits: extra_float_digits; 1 for the shortest digits.
    """

    user: str
    database: str
    version: str
    search_path: tuple[str, ...]
    macros: Mapping[str, tuple[str, ...]]
    table_macros: Mapping[str, tuple[str, ...]]
    now_parameter: int | None = None
    temp_schema: str | None = None
    text_style: TextForm | None = None
    time_zone: str = "UTC"
    float_digits: int = 1


def point_at_own(message: Message) -> None:
    """Let a statement in DuckDB's dialect read the catalog with the session's own rows."""
    names = own_names()
    for part in walk(message):
        if isinstance(part, pb.RangeVar) and part.schemaname in _SHARED_SCHEMAS and part.relname in names:
            part.schemaname = OWN_SCHEMA
        elif isinstance(part, pb.FuncCall) and len(part.funcname) > 1:
            schema, name = part.funcname[0].string, part.funcname[-1].string.sval
            if schema.sval in _SHARED_SCHEMAS and name in names:
                schema.sval = OWN_SCHEMA


def _outside_of_queries(node: pb.Node) -> Iterator[pb.Node]:
    """Yield an expression and those in it, deepest first, but for what is in a subquery."""
    for child in child_messages(getattr(node, node.WhichOneof("node"))) if node.WhichOneof("node") else ():
        if isinstance(child, pb.Node) and node.WhichOneof("node") != "sub_link":
            yield from _outside_of_queries(child)
    yield node


class Dialect:
    """Rewrites one statement."""

    def __init__(self, surroundings: Surroundings, *, has_system_columns: bool = False) -> None:
        """Begin.

        Args:
            has_system_columns: the statement reads the system catalog only, whose rows have xmin and the like.
        """
        self._about = surroundings
        self._has_system_columns = has_system_columns

    def rewrite(self, message: Message) -> None:
        """Rewrite a statement's tree in place.

        Raises:
            UnsupportedStatement, UndefinedFunction: what DuckDB cannot or a client must not do.
        """
        if isinstance(message, pb.SelectStmt):
            self._before_select(message)
        elif isinstance(message, pb.TypeName):
            return  # casts and column definitions see to their own
        elif isinstance(message, pb.RangeFunction):
            check_row_function(message)
        for child in child_messages(message):
            self.rewrite(child)
        if isinstance(message, pb.Node):
            rule = _RULES.get(message.WhichOneof("node"))
            if rule is not None:
                rule(self, message)
        elif isinstance(message, pb.SelectStmt):
            self._after_select(message)
        elif isinstance(message, pb.ColumnDef) and message.HasField("type_name"):
            rewrite_type(message.type_name)

    @property
    def table_macros(self) -> Collection[tuple[str, ...]]:
        """DuckDB's names of the catalog's functions that give rows."""
        return self._about.table_macros.values()

    # ---- SELECT

    def _before_select(self, select: pb.SelectStmt) -> None:
        name_targets(select)
        name_elements(select)
        for target in select.target_list:
            value = target.res_target.val
            for part in list(_outside_of_queries(value)):  # while they have PostgreSQL's names
                called = names_of(part.func_call.funcname)
                if called and called[-1].lower() in SET_RETURNING:
                    replace_node(part, call("unnest", copied(part)))
            show_reg_cast(target.res_target.val)
            if self._is_system_column(target.res_target.val) and not target.res_target.name:
                target.res_target.name = output_name(target.res_target.val)
        for item in select.from_clause:
            name_values(item)
        for item in select.sort_clause:  # such a word is a constant, by which DuckDB does not order
            if is_session_word(item.sort_by.node):
                replace_node(item.sort_by.node, cast(copied(item.sort_by.node), type_name("text")))
        if select.limit_option == pb.LIMIT_OPTION_WITH_TIES:
            raise UnsupportedStatement("FETCH FIRST ... WITH TIES is not supported", "Use rank() in a subquery.")
        if select.group_distinct:
            raise UnsupportedStatement("GROUP BY DISTINCT is not supported")
        del select.locking_clause[:]  # there is nothing to lock

    def _after_select(self, select: pb.SelectStmt) -> None:
        for target in select.target_list:
            value = target.res_target.val
            if value.WhichOneof("node") != "func_call":
                continue
            parts = names_of(value.func_call.funcname)
            if parts in self.table_macros:  # rows in a SELECT list
                rows = parsed_expression("unnest(ARRAY(SELECT x FROM f() AS t(x)))")
                source = rows.func_call.args[0].sub_link.subselect.select_stmt.from_clause[0].range_function
                source.functions[0].list.items[0].CopyFrom(value)
                replace_node(value, rows)
        for item in select.sort_clause:
            sort = item.sort_by
            if sort.sortby_dir == pb.SORTBY_USING:
                descending = sort.use_op[-1].string.sval in {">", ">="}
                sort.sortby_dir = pb.SORTBY_DESC if descending else pb.SORTBY_ASC
                del sort.use_op[:]

    # ---- expressions

    def _function(self, node: pb.Node) -> None:
        function = node.func_call
        parts = names_of(function.funcname)
        name = parts[-1].lower()
        if len(parts) > 1:
            schema = parts[-2]
            if schema == "gw_pg":  # a macro put there by another rule
                if name == "float_text" and self._about.float_digits < 1:
                    digits = integer(self._about.float_digits)
                    replace_node(node, call(("gw_pg", "gw_rounded_text"), copied(function.args[0]), digits))
                    return
                if name == "gw_zone_word":
                    replace_node(node, zone_word(function.args, self._about.time_zone))
                    return
                if self._about.text_style is not None:
                    restyle_macro(node, self._about.text_style)
                return
            if schema == "gw_sequence":  # DuckDB's own, of a name that `resolve` has looked up
                self._rename(function, (name,))
                return
            if schema not in {"pg_catalog", "public", "information_schema"}:
                raise UndefinedSchema(f'schema "{schema}" does not exist')
        if name == "overlaps":
            raise UnsupportedStatement("OVERLAPS is not supported", "Compare the ends of the two periods.")
        if self._about.text_style is not None:
            restyle_arguments(function, name, self._about.text_style)
        constant = self._constant(name, function)
        if constant is not None:
            replace_node(node, constant)
            return
        if name in _NOW_FUNCTIONS and self._about.now_parameter is not None and not function.args:
            replace_node(node, self._now("timestamptz"))
            return
        macro = self._about.macros.get(name) or self._about.table_macros.get(name)
        if macro is not None:
            self._rename(function, macro)
            return
        if name in JSON_MAKERS:
            style = "postgres" if self._about.text_style is None else self._about.text_style.interval_style
            replace_node(node, json_made(node, name, style))
            return
        check_function(name)
        rewrite = REWRITES.get(name)
        if rewrite is not None and not function.agg_star:
            replacement = rewrite([copied(argument) for argument in function.args])
            if replacement is not None:
                replace_node(node, replacement)
                if name == "to_char":
                    name_zones(node, self._about.time_zone)
                return
        if function.funcformat == pb.COERCE_SQL_SYNTAX and name not in {"btrim", "normalize"}:
            return  # EXTRACT, POSITION, OVERLAY, TRIM, AT TIME ZONE: DuckDB reads them as they are written
        target = renamed(name)
        if target == "now":
            del function.args[:]
        self._rename(function, (target,))

    def _rename(self, function: pb.FuncCall, parts: tuple[str, ...]) -> None:
        del function.funcname[:]
        for part in parts:
            function.funcname.add().string.sval = part
        function.funcformat = pb.COERCE_EXPLICIT_CALL

    def _constant(self, name: str, function: pb.FuncCall) -> pb.Node | None:
        about = self._about
        if name in {"current_schema", "current_database", "current_catalog", "version"} and not function.args:
            text = {"current_schema": next(iter(about.search_path), None), "version": about.version}.get(
                name, about.database
            )
            return null() if text is None else string(text)
        if name in {"current_user", "session_user", "user", "getpgusername"} and not function.args:
            return string(about.user)
        if name == "current_schemas":
            names = list(about.search_path)
            with_implicit = function.args and function.args[0].a_const.boolval.boolval
            node = pb.Node()
            node.a_array_expr.SetInParent()
            implicit = ["pg_catalog"] if about.temp_schema is None else [about.temp_schema, "pg_catalog"]
            implicit = [schema for schema in implicit if schema not in names]
            for schema in [*implicit, *names] if with_implicit else names:
                node.a_array_expr.elements.add().CopyFrom(string(schema))
            return cast(node, type_name("varchar", array_dimensions=1))
        return None

    def _value_function(self, node: pb.Node) -> None:
        operation = node.sqlvalue_function.op
        about = self._about
        if operation in {pb.SVFOP_CURRENT_USER, pb.SVFOP_USER, pb.SVFOP_SESSION_USER, pb.SVFOP_CURRENT_ROLE}:
            replace_node(node, string(about.user))
        elif operation == pb.SVFOP_CURRENT_CATALOG:
            replace_node(node, string(about.database))
        elif operation == pb.SVFOP_CURRENT_SCHEMA:
            replace_node(node, string(about.search_path[0]) if about.search_path else null())
        elif self._about.now_parameter is not None:
            replace_node(node, self._now(_TIME_TYPES[operation]))
        else:
            node.sqlvalue_function.typmod = -1
            plain = {
                pb.SVFOP_CURRENT_TIME_N: pb.SVFOP_CURRENT_TIME,
                pb.SVFOP_CURRENT_TIMESTAMP_N: pb.SVFOP_CURRENT_TIMESTAMP,
                pb.SVFOP_LOCALTIME_N: pb.SVFOP_LOCALTIME,
                pb.SVFOP_LOCALTIMESTAMP_N: pb.SVFOP_LOCALTIMESTAMP,
            }
            node.sqlvalue_function.op = plain.get(operation, operation)

    def _now(self, target: str) -> pb.Node:
        parameter = pb.Node()
        parameter.param_ref.number = self._about.now_parameter or 0
        moment = cast(parameter, type_name("timestamptz"))
        if target == "time":  # DuckDB has no direct cast
            moment = cast(moment, type_name("timestamp"))
        return moment if target == "timestamptz" else cast(moment, type_name(target))

    def _cast(self, node: pb.Node) -> None:
        inner = node.type_cast.arg
        target = names_of(node.type_cast.type_name.names)[-1]
        if inner.WhichOneof("node") == "func_call" and target in {"text", "varchar", "name"}:
            function = names_of(inner.func_call.funcname)
            stem = function[-1].removeprefix("to_").removesuffix("_oid")
            if function[0] == "gw_pg" and function[-1] != stem and stem in _REG_STEMS:  # x::regclass::text is the name
                is_cast = function[-1] == f"{stem}_oid"
                shown = call(("gw_pg", f"{stem}_shown"), copied(inner.func_call.args[0])) if is_cast else None
                replace_node(node, shown or call(("gw_pg", f"{stem}_text"), copied(inner)))
                return
        if self._about.text_style is not None:
            restyle_cast(node.type_cast, self._about.text_style)
        rewrite_cast(node)

    def _operator(self, node: pb.Node) -> None:
        if self._about.text_style is not None:
            restyle_concatenation(node.a_expr, self._about.text_style)
        rewrite_operator(node)

    def _collation(self, node: pb.Node) -> None:
        name = names_of(node.collate_clause.collname)[-1]
        if name.lower() in _PLAIN_COLLATIONS:
            replace_node(node, copied(node.collate_clause.arg))
            return
        if "_" not in name and "-" not in name:
            raise UndefinedObject(f'collation "{name}" for encoding "UTF8" does not exist')
        raise UnsupportedStatement(f'collation "{name}" is not supported', "Text is ordered by its bytes (C).")

    def _is_system_column(self, node: pb.Node) -> bool:
        return (
            self._has_system_columns
            and node.WhichOneof("node") == "column_ref"
            and node.column_ref.fields[-1].string.sval in _SYSTEM_COLUMNS
        )

    def _column(self, node: pb.Node) -> None:
        fields = node.column_ref.fields
        if self._is_system_column(node):
            is_place = fields[-1].string.sval == "ctid"
            replace_node(
                node, cast(string("(0,1)" if is_place else "1"), type_name("varchar" if is_place else "uinteger"))
            )
            return
        if len(fields) > 2 and fields[0].WhichOneof("node") == "string":
            # database.schema.table.column or schema.table.column: the alias of the table is enough
            known = {"pg_catalog", "information_schema", "public", self._about.database, *self._about.search_path}
            while len(fields) > 2 and fields[0].string.sval in known:
                del fields[0]

    def _refuse(self, node: pb.Node) -> None:
        what = {
            "xml_expr": "XML",
            "xml_serialize": "XML",
            "current_of_expr": "WHERE CURRENT OF",
            "range_table_func": "XMLTABLE",
            "json_table": "JSON_TABLE",
            "merge_stmt": "MERGE",
        }
        raise UnsupportedStatement(f"{what.get(node.WhichOneof('node'), 'this expression')} is not supported")


_RULES: Final[Mapping[str | None, Callable[[Dialect, pb.Node], None]]] = {
    "func_call": Dialect._function,
    "type_cast": Dialect._cast,
    "a_expr": Dialect._operator,
    "collate_clause": Dialect._collation,
    "column_ref": Dialect._column,
    "sqlvalue_function": Dialect._value_function,
    "range_function": lambda dialect, node: rewrite_row_function(node, dialect.table_macros),
    "xml_expr": Dialect._refuse,
    "xml_serialize": Dialect._refuse,
    "current_of_expr": Dialect._refuse,
    "range_table_func": Dialect._refuse,
    "json_table": Dialect._refuse,
    "merge_stmt": Dialect._refuse,
}
