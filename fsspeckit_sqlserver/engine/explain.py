"""EXPLAIN: which files a query reads and why not the others, then DuckDB's plan. Pure formatting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.common.units import format_size
from fsspeckit_lib.datasets import Pruning
from fsspeckit_sqlserver.engine.errors import InvalidParameterValue, StatementProblem, UnsupportedStatement

__all__ = ["ExplainOptions", "ScanReport", "explain_json", "explain_lines", "explain_options"]

_SHOWN_FILES: Final = 10
_HIDDEN_OPERATORS: Final = frozenset({"RESULT_COLLECTOR", "EXPLAIN_ANALYZE", "PROJECTION"})
_HIDDEN_DETAILS: Final = frozenset({"Estimated Cardinality", "Filename(s)", "Function", "Total Files Read", "__text__"})


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What one dataset reference reads.

    Attributes:
        table: `schema.name`.
        url: where it lies.
        pruning: files kept and left out.
        files: keys of the files read.
        read_bytes: their sizes together.
        cached_files: how many of them were on the local disk.
        is_limited: further files were left out because of LIMIT.
    """

    table: str
    url: str
    pruning: Pruning
    files: Sequence[str]
    read_bytes: int
    is_limited: bool


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """Options in parentheses; those that DuckDB has no counterpart for are accepted and ignored."""

    analyze: bool = False
    is_json: bool = False
    has_costs: bool = True


def explain_options(statement: pb.ExplainStmt) -> ExplainOptions:
    """Return the options of an EXPLAIN.

    Raises:
        UnsupportedStatement: a format other than text and json.
        StatementProblem: an unknown option.
    """
    analyze = is_json = False
    has_costs = True
    for node in statement.options:
        option = node.def_elem
        name = option.defname
        value = _option_value(option)
        if name == "analyze":
            analyze = value not in {"false", "off", "0"}
        elif name == "costs":
            has_costs = value not in {"false", "off", "0"}
        elif name == "format":
            if value not in {"text", "json", "xml", "yaml"}:
                raise InvalidParameterValue(f'unrecognized value for EXPLAIN option "format": "{value}"')
            if value not in {"text", "json"}:
                raise UnsupportedStatement(f"EXPLAIN format {value} is not supported", "Use TEXT or JSON.")
            is_json = value == "json"
        elif name not in {
            "verbose",
            "settings",
            "buffers",
            "wal",
            "timing",
            "summary",
            "generic_plan",
            "memory",
        }:
            raise StatementProblem(f'unrecognized EXPLAIN option "{name}"')
    return ExplainOptions(analyze, is_json, has_costs)


def _option_value(option: pb.DefElem) -> str:
    kind = option.arg.WhichOneof("node") if option.HasField("arg") else None
    if kind == "string":
        return str(option.arg.string.sval).lower()
    if kind == "boolean":
        return "true" if option.arg.boolean.boolval else "false"
    if kind == "integer":
        return str(option.arg.integer.ival)
    return "true"


def explain_lines(reports: Sequence[ScanReport], plan: str, columns: int | None) -> list[str]:
    """Return the rows of QUERY PLAN: the scans of datasets, an empty line, then DuckDB's operators.

    Args:
        plan: DuckDB's, in JSON.
        columns: how many the result has; None leaves out costs. They stand in the first line as PostgreSQL writes them,
            where postgres_fdw reads its estimate.
    """
    lines: list[str] = []
    for report in reports:
        pruning, read = report.pruning, len(report.files)
        lines.append(f"Scan of {report.table} ({report.url})")
        lines.append(f"  Files: {pruning.total} total, {read} read, {pruning.total - read} pruned")
        by_limit = pruning.total - pruning.by_partition - pruning.by_statistics - read
        limit = f", {by_limit} by LIMIT" if report.is_limited else ""
        lines.append(f"  Pruned: {pruning.by_partition} by partition, {pruning.by_statistics} by statistics{limit}")
        lines.append(f"  Bytes: {report.read_bytes} ({format_size(report.read_bytes)})")
        lines.extend(f"    {name}" for name in _abbreviated(report.files))
    if lines:
        lines.append("")
    operators = _operators(plan)
    for operator in operators:
        _render(operator, 0, lines)
    if columns is not None and lines:
        rows = _estimated_rows(operators)
        lines[0] += f"  (cost=0.00..{rows / 100:.2f} rows={rows} width={8 * columns})"
    return lines


def _estimated_rows(operators: Sequence[_Operator]) -> int:
    """Return how many rows DuckDB expects of the whole: the first operator that says."""
    for operator in operators:
        if operator.estimate is not None and operator.estimate.isdigit():
            return int(operator.estimate)
        if operator.children:
            return _estimated_rows(operator.children)
    return 1


def _operators(plan: str) -> list[_Operator]:
    parsed = json.loads(plan)
    return [_Operator.of(node) for node in (parsed["operator"] if isinstance(parsed, dict) else parsed)]


@dataclass(frozen=True, slots=True)
class _Operator:
    """One operator of DuckDB's plan; `rows` and `milliseconds` only after ANALYZE."""

    name: str
    details: tuple[tuple[str, str], ...]
    estimate: str | None
    rows: int | None
    milliseconds: float | None
    children: tuple[_Operator, ...]

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> _Operator:
        info: Mapping[str, object] = node["extra_info"]
        details = tuple(
            (key, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
            for key, value in info.items()
            if key not in _HIDDEN_DETAILS and value
        )
        timing = node.get("timing")
        estimate = info.get("Estimated Cardinality")
        return cls(
            str(node.get("name") or node["type"]),
            details,
            None if estimate is None else str(estimate),
            node.get("intermediate_rows"),
            None if timing is None else float(timing) * 1000,
            tuple(cls.of(child) for child in node.get("children", ())),
        )


def _render(operator: _Operator, depth: int, lines: list[str]) -> None:
    if operator.name in _HIDDEN_OPERATORS:
        for child in operator.children:
            _render(child, depth, lines)
        return
    facts = [] if operator.estimate is None else [f"rows~{operator.estimate}"]
    if operator.rows is not None and operator.milliseconds is not None:
        facts.append(f"actual rows={operator.rows} time={operator.milliseconds:.3f} ms")
    indent = "    " * depth
    title = operator.name.strip().replace("_", " ").title()
    arrow = f"{indent[4:]}  ->  " if depth else ""
    margin = "    " if depth else "  "
    lines.append(f"{arrow}{title}{f'  ({chr(32).join(facts)})' if facts else ''}")
    for key, value in operator.details:
        lines.extend(f"{indent}{margin}{key}: {part}" for part in value.split("\n"))
    for child in operator.children:
        _render(child, depth + 1, lines)


def explain_json(reports: Sequence[ScanReport], plan: str) -> str:
    """Return the same as one JSON document in PostgreSQL's outer form: a list with one object."""
    scans = [
        {
            "Table": report.table,
            "Location": report.url,
            "Files Total": report.pruning.total,
            "Files Pruned By Partition": report.pruning.by_partition,
            "Files Pruned By Statistics": report.pruning.by_statistics,
            "Files Read": len(report.files),
            "Bytes": report.read_bytes,
            "Files": list(report.files),
        }
        for report in reports
    ]
    return json.dumps([{"Scans": scans, "Plan": _without_paths(json.loads(plan))}], indent=2)


def _without_paths(value: object) -> object:
    """Return a plan without the engine's own names of the files."""
    if isinstance(value, dict):
        return {key: _without_paths(part) for key, part in value.items() if key != "Filename(s)"}
    return [_without_paths(part) for part in value] if isinstance(value, list) else value


def _abbreviated(files: Sequence[str]) -> list[str]:
    if len(files) <= _SHOWN_FILES:
        return list(files)
    half = _SHOWN_FILES // 2
    return [*files[:half], f"… {len(files) - 2 * half} more …", *files[-half:]]
