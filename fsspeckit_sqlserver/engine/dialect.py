"""From PostgreSQL's SQL to DuckDB's, on the parse tree. Pure.

Works on a tree whose table references are resolved already. Children are rewritten before their parents, so a rule
sees arguments in their final form. Every SELECT list gets PostgreSQL's column names first, while the names can still
be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.casts import array_constant, rewrite_cast, rewrite_type, show_reg_cast
from fsspeckit_sqlserver.engine.errors import UndefinedObject, UndefinedSchema, UnsupportedStatement
from fsspeckit_sqlserver.engine.functions import FROM_FUNCTIONS, REWRITES, SET_RETURNING, check_function, renamed
from fsspeckit_sqlserver.engine.naming import name_targets, output_name
from fsspeckit_sqlserver.engine.patterns import parse_array
from fsspeckit_sqlserver.engine.trees import (
    call,
    cast,
    child_messages,
    copied,
    names_of,
    null,
    parsed_expression,
    parsed_select,
    replace_node,
    string,
    string_value,
    type_name,
)

__all__ = ["Dialect", "Surroundings"]

_PLAIN_COLLATIONS: Final = frozenset(
    {"default", "c", "posix", "ucs_basic", "c.utf-8", "c.utf8", "unicode", "en_us.utf-8"}
)
_FUNCTION_OPERATORS: Final = {"->": "json_extract", "->>": "json_extract_string"}
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
_UNARY_FUNCTIONS: Final = {"|/": "sqrt", "||/": "cbrt", "@": "abs"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a statement may ask of its session and of the catalog.

    Attributes:
        user, database, version: constants.
        search_path: schemas in order, without the implicit pg_catalog.
        macros: functions of the catalog, by name → DuckDB's qualified name.
        table_macros: likewise, for FROM.
        now_parameter: number of the parameter that holds the statement's time; None leaves `now()` to DuckDB.
    """

    user: str
    database: str
    version: str
    search_path: tuple[str, ...]
    macros: Mapping[str, tuple[str, ...]]
    table_macros: Mapping[str, tuple[str, ...]]
    now_parameter: int | None = None


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
            self._before_range_function(message)
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

    # ---- SELECT

    def _before_select(self, select: pb.SelectStmt) -> None:
        name_targets(select)
        for target in select.target_list:
            show_reg_cast(target.res_target.val)
            if self._is_system_column(target.res_target.val) and not target.res_target.name:
                target.res_target.name = output_name(target.res_target.val)
        for item in select.from_clause:
            _name_values(item)
        if select.limit_option == pb.LIMIT_OPTION_WITH_TIES:
            raise UnsupportedStatement("FETCH FIRST … WITH TIES is not supported", "Use rank() in a subquery.")
        if select.group_distinct:
            raise UnsupportedStatement("GROUP BY DISTINCT is not supported")
        del select.locking_clause[:]  # there is nothing to lock

    def _after_select(self, select: pb.SelectStmt) -> None:
        for target in select.target_list:
            value = target.res_target.val
            if value.WhichOneof("node") != "func_call":
                continue
            parts = names_of(value.func_call.funcname)
            if parts[-1] in SET_RETURNING:
                replace_node(value, call("unnest", copied(value)))
            elif parts in self._about.table_macros.values():  # rows in a SELECT list
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

    # ---- FROM

    def _before_range_function(self, function: pb.RangeFunction) -> None:
        if len(function.functions) != 1 or function.is_rowsfrom:
            raise UnsupportedStatement("ROWS FROM (…) is not supported", "Join the functions instead.")
        if function.coldeflist:
            raise UnsupportedStatement("a column definition list after a function is not supported")

    def _range_function(self, node: pb.Node) -> None:
        function = node.range_function
        item = function.functions[0].list.items[0]
        parts = names_of(item.func_call.funcname) if item.WhichOneof("node") == "func_call" else ()
        name = parts[-1] if parts else ""
        if name == "unnest" and len(item.func_call.args) > 1:
            self._unnest_side_by_side(node)
            return
        if name in FROM_FUNCTIONS or parts in self._about.table_macros.values():
            self._table_function(node, name)
            return
        # A function that gives one value, or a list: `FROM f(x) AS a` is `(SELECT f(x) AS a) AS a`.
        if function.ordinality:
            raise UnsupportedStatement(f"WITH ORDINALITY is not supported for {name or 'an expression'}")
        alias = function.alias.aliasname or output_name(item)
        select = parsed_select("SELECT 1")
        target = select.target_list[0].res_target
        target.val.CopyFrom(call("unnest", item) if name in _LIST_FUNCTIONS else item)
        target.name = alias
        replace_node(node, _subselect(select, alias, function.alias))

    def _table_function(self, node: pb.Node, name: str) -> None:
        function = node.range_function
        if not function.HasField("alias"):
            function.alias.aliasname = name
        if function.ordinality and name not in FROM_FUNCTIONS:  # a macro: count its rows
            select = parsed_select("SELECT *, row_number() OVER () AS ordinality FROM t")
            select.from_clause[0].CopyFrom(node)
            select.from_clause[0].range_function.ordinality = False
            select.from_clause[0].range_function.ClearField("alias")
            replace_node(node, _subselect(select, function.alias.aliasname, copied(node).range_function.alias))
        elif name in {"generate_series", "unnest"} and not function.alias.colnames and not function.ordinality:
            function.alias.colnames.add().string.sval = function.alias.aliasname

    def _unnest_side_by_side(self, node: pb.Node) -> None:
        """`unnest(a, b) WITH ORDINALITY`: one SELECT list, whose lists DuckDB unnests in step."""
        function = copied(node).range_function
        arrays = function.functions[0].list.items[0].func_call.args
        select = parsed_select("SELECT 1")
        del select.target_list[:]
        for array in arrays:
            select.target_list.add().res_target.val.CopyFrom(call("unnest", array))
        if function.ordinality:
            longest = call("greatest", *(call("len", array) for array in arrays))
            one = pb.Node()
            one.a_const.ival.ival = 1
            select.target_list.add().res_target.val.CopyFrom(call("unnest", call("generate_series", one, longest)))
        replace_node(node, _subselect(select, function.alias.aliasname or "unnest", function.alias))

    # ---- expressions

    def _function(self, node: pb.Node) -> None:
        function = node.func_call
        parts = names_of(function.funcname)
        name = parts[-1].lower()
        if len(parts) > 1:
            schema = parts[-2]
            if schema == "gw_pg":
                return  # a macro put there by another rule
            if schema not in {"pg_catalog", "public", "information_schema"}:
                raise UndefinedSchema(f'schema "{schema}" does not exist')
        if name == "overlaps":
            raise UnsupportedStatement("OVERLAPS is not supported", "Compare the ends of the two periods.")
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
        check_function(name)
        rewrite = REWRITES.get(name)
        if rewrite is not None and not function.agg_star:
            replacement = rewrite([copied(argument) for argument in function.args])
            if replacement is not None:
                replace_node(node, replacement)
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
            for schema in ["pg_catalog", *names] if with_implicit else names:
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
            if function[0] == "gw_pg" and function[-1].startswith("to_reg"):  # x::regclass::text is the name
                stem = function[-1].removeprefix("to_").removesuffix("_oid")
                replace_node(node, call(("gw_pg", f"{stem}_text"), copied(inner)))
                return
        rewrite_cast(node)

    def _expression(self, node: pb.Node) -> None:
        expression = node.a_expr
        symbol = expression.name[-1].string.sval if expression.name else ""
        if len(expression.name) > 1:  # OPERATOR(pg_catalog.~)
            del expression.name[:-1]
        if expression.kind == pb.AEXPR_OP:
            if symbol in _FUNCTION_OPERATORS and expression.HasField("lexpr"):
                replace_node(node, call(_FUNCTION_OPERATORS[symbol], expression.lexpr, expression.rexpr))
            elif symbol in {"#>", "#>>"}:
                replace_node(node, _json_path(expression, is_text=symbol == "#>>"))
            elif symbol == "#" and expression.HasField("lexpr"):
                replace_node(node, call("xor", expression.lexpr, expression.rexpr))
            elif symbol in _UNARY_FUNCTIONS and not expression.HasField("lexpr"):
                replace_node(node, call(_UNARY_FUNCTIONS[symbol], expression.rexpr))
            elif symbol == "^":
                replace_node(node, call("pow", expression.lexpr, expression.rexpr))
            elif symbol == "/" and _is_interval(expression.lexpr):  # DuckDB only multiplies intervals
                inverse = copied(node)
                inverse.a_expr.lexpr.Clear()
                inverse.a_expr.lexpr.a_const.fval.fval = "1.0"
                expression.name[-1].string.sval = "*"
                expression.rexpr.CopyFrom(inverse)
        elif expression.kind in {pb.AEXPR_LIKE, pb.AEXPR_ILIKE}:
            self._like(node, symbol)
        elif expression.kind == pb.AEXPR_SIMILAR:
            expression.kind = pb.AEXPR_OP
            expression.name[-1].string.sval = "~" if symbol == "~" else "!~"
        elif expression.kind in {pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM}:
            low, high = (copied(item) for item in expression.rexpr.list.items)
            is_plain = expression.kind == pb.AEXPR_BETWEEN_SYM
            expression.kind = pb.AEXPR_BETWEEN if is_plain else pb.AEXPR_NOT_BETWEEN
            expression.name[-1].string.sval = "BETWEEN" if is_plain else "NOT BETWEEN"
            expression.rexpr.list.items[0].CopyFrom(call("least", low, high))
            expression.rexpr.list.items[1].CopyFrom(call("greatest", low, high))
        elif expression.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}:
            text = string_value(expression.rexpr)
            elements = None if text is None else parse_array(text)
            if elements is not None:  # x = ANY ('{a,b}'): the array takes the type of x
                expression.rexpr.CopyFrom(array_constant(elements))

    def _like(self, node: pb.Node, symbol: str) -> None:
        """Give LIKE its escape character: the backslash, which DuckDB's has not, unless another one is written."""
        expression = node.a_expr
        pattern = string_value(expression.rexpr)
        if pattern is not None and "\\" not in pattern:
            return  # a plain pattern stays, so that `LIKE 'a%'` remains a search for a prefix
        arguments = [copied(expression.rexpr), string("\\")]
        if _is_escaped(expression.rexpr):
            arguments = [copied(argument) for argument in expression.rexpr.func_call.args]
            if string_value(arguments[1]) == "":  # ESCAPE '': nothing escapes
                expression.rexpr.CopyFrom(arguments[0])
                return
        name = {"~~": "like", "!~~": "not_like", "~~*": "ilike", "!~~*": "not_ilike"}[symbol]
        replace_node(node, call(f"{name}_escape", expression.lexpr, *arguments))

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


_LIST_FUNCTIONS: Final = frozenset({"string_split", "string_split_regex", "json_keys", "generate_subscripts"})


def _is_escaped(pattern: pb.Node) -> bool:
    """Return whether a pattern of LIKE has an ESCAPE, which PostgreSQL's grammar makes a call of."""
    return pattern.WhichOneof("node") == "func_call" and names_of(pattern.func_call.funcname)[-1] == "like_escape"


def _is_interval(node: pb.Node) -> bool:
    return node.WhichOneof("node") == "type_cast" and names_of(node.type_cast.type_name.names)[-1] == "interval"


def _subselect(select: pb.SelectStmt, alias: str, columns: pb.Alias) -> pb.Node:
    node = pb.Node()
    node.range_subselect.lateral = True
    node.range_subselect.subquery.select_stmt.CopyFrom(select)
    node.range_subselect.alias.aliasname = alias
    for part in columns.colnames:
        node.range_subselect.alias.colnames.add().CopyFrom(part)
    return node


def _name_values(item: pb.Node) -> None:
    """Name the columns of `(VALUES …) AS v` as PostgreSQL does."""
    if item.WhichOneof("node") == "join_expr":
        _name_values(item.join_expr.larg)
        _name_values(item.join_expr.rarg)
        return
    if item.WhichOneof("node") != "range_subselect":
        return
    subselect = item.range_subselect
    rows = subselect.subquery.select_stmt.values_lists
    if rows:
        if not subselect.HasField("alias"):
            subselect.alias.aliasname = "*VALUES*"
        for number in range(len(subselect.alias.colnames), len(rows[0].list.items)):
            subselect.alias.colnames.add().string.sval = f"column{number + 1}"


def _json_path(expression: pb.A_Expr, *, is_text: bool) -> pb.Node:
    """`x #> '{a,b}'`: one step per key."""
    text = string_value(expression.rexpr)
    if text is None:
        raise UnsupportedStatement("the operators #> and #>> take a constant path", "Use -> step by step.")
    keys = [key for key in text.strip().strip("{}").split(",") if key]
    result = copied(expression.lexpr)
    for place, key in enumerate(keys):
        is_last = place == len(keys) - 1
        step = string(key.strip().strip('"'))
        if key.strip().lstrip("-").isdigit():
            step = pb.Node()
            step.a_const.ival.ival = int(key)
        result = call("json_extract_string" if is_text and is_last else "json_extract", result, step)
    return result


_RULES: Final[Mapping[str | None, Callable[[Dialect, pb.Node], None]]] = {
    "func_call": Dialect._function,
    "type_cast": Dialect._cast,
    "a_expr": Dialect._expression,
    "collate_clause": Dialect._collation,
    "column_ref": Dialect._column,
    "sqlvalue_function": Dialect._value_function,
    "range_function": Dialect._range_function,
    "xml_expr": Dialect._refuse,
    "xml_serialize": Dialect._refuse,
    "current_of_expr": Dialect._refuse,
    "range_table_func": Dialect._refuse,
    "json_table": Dialect._refuse,
    "merge_stmt": Dialect._refuse,
}
