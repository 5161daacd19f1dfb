"""EXPLAIN: which files a query reads and why not the others, then DuckDB's plan. Pure formatting."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.common.units import format_size
from fsspeckit_lib.datasets import Pruning
from fsspeckit_sqlserver.engine.errors import StatementProblem, UnsupportedStatement

__all__ = ["ExplainOptions", "ScanReport", "explain_json", "explain_lines", "explain_options"]

_SHOWN_FILES = 10


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


def explain_options(statement: pb.ExplainStmt) -> ExplainOptions:
    """Return the options of an EXPLAIN.

    Raises:
        UnsupportedStatement: a format other than text and json.
        StatementProblem: an unknown option.
    """
    analyze = is_json = False
    for node in statement.options:
        option = node.def_elem
        name = option.defname
        value = _option_value(option)
        if name == "analyze":
            analyze = value not in {"false", "off", "0"}
        elif name == "format":
            if value not in {"text", "json"}:
                raise UnsupportedStatement(f"EXPLAIN format {value} is not supported", "Use TEXT or JSON.")
            is_json = value == "json"
        elif name not in {
            "verbose",
            "costs",
            "settings",
            "buffers",
            "wal",
            "timing",
            "summary",
            "generic_plan",
            "memory",
        }:
            raise StatementProblem(f'unrecognized EXPLAIN option "{name}"')
    return ExplainOptions(analyze, is_json)


def _option_value(option: pb.DefElem) -> str:
    kind = option.arg.WhichOneof("node") if option.HasField("arg") else None
    if kind == "string":
        return str(option.arg.string.sval).lower()
    if kind == "boolean":
        return "true" if option.arg.boolean.boolval else "false"
    if kind == "integer":
        return str(option.arg.integer.ival)
    return "true"


def explain_lines(reports: Sequence[ScanReport], plan: str) -> list[str]:
    """Return the rows of QUERY PLAN."""
    lines: list[str] = []
    for report in reports:
        pruning = report.pruning
        lines.append(f"Scan of {report.table} ({report.url})")
        read = len(report.files)
        lines.append(f"  Files: {pruning.total} total, {read} read, {pruning.total - read} pruned")
        by_limit = pruning.total - pruning.by_partition - pruning.by_statistics - read
        limit = f", {by_limit} by LIMIT" if report.is_limited else ""
        lines.append(f"  Pruned: {pruning.by_partition} by partition, {pruning.by_statistics} by statistics{limit}")
        lines.append(f"  Bytes: {report.read_bytes} ({format_size(report.read_bytes)})")
        lines.extend(f"    {name}" for name in _abbreviated(report.files))
    if lines:
        lines.append("")
    lines.extend(line.rstrip() for line in plan.rstrip("\n").split("\n"))
    return lines


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
    try:
        tree: object = json.loads(plan)
    except ValueError:
        tree = plan
    return json.dumps([{"Scans": scans, "Plan": tree}], indent=2)


def _abbreviated(files: Sequence[str]) -> list[str]:
    if len(files) <= _SHOWN_FILES:
        return list(files)
    half = _SHOWN_FILES // 2
    return [*files[:half], f"… {len(files) - 2 * half} more …", *files[-half:]]
