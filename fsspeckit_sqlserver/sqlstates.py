"""The way out for errors on the wire: every kind of `GatewayError` → the SQLSTATE a client acts on.

Pure, and at the bottom of the server's rooms: the table names kinds, not classes, so it needs none of them. A test
walks the class tree and proves the table total. Rooms above may add kinds; an error may carry `detail`, `hint` (text)
and `position` (characters from 1) as attributes, which go into the ErrorResponse.

Source of the codes: PostgreSQL 16 manual, Appendix A.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fsspeckit_lib.errors import GatewayError

__all__ = ["INTERNAL_ERROR", "SQLSTATES", "ErrorReport", "report", "sqlstate"]

INTERNAL_ERROR: Final = "XX000"

SQLSTATES: Final = MappingProxyType(
    {
        # the tree of fsspeckit_lib.errors
        "error": INTERNAL_ERROR,
        "bad-input": "22023",  # invalid_parameter_value
        "unknown-name": "42704",  # undefined_object
        "invalid-value": "22023",
        "not-found": "58P01",  # undefined_file
        "access-denied": "42501",  # insufficient_privilege
        "read-only": "25006",  # read_only_sql_transaction
        "conflict": "40001",  # serialization_failure: the client's retry loop is what helps
        "already-exists": "42710",  # duplicate_object
        "is-a-directory": "42809",  # wrong_object_type
        "not-a-directory": "42809",
        "cache-stale": "40001",
        "unavailable": "58030",  # io_error
        "timed-out": "58030",
        "transfer-broken": "58030",
        "circuit-open": "58030",
        "sync-incomplete": "58030",
        "status-refused": "58030",
        "outcome-unknown": "08007",  # transaction_resolution_unknown
        "corrupt": "XX001",  # data_corrupted
        "short-read": "XX001",
        "resource-exhausted": "53000",
        "cache-index-lost": "53000",
        "unsupported": "0A000",  # feature_not_supported
        "unnameable-key": "58030",  # io_error
        "cancelled": "57014",  # query_canceled
        "internal": INTERNAL_ERROR,
        # statements
        "syntax-error": "42601",
        "undefined-table": "42P01",
        "undefined-column": "42703",
        "undefined-function": "42883",
        "undefined-object": "42704",
        "undefined-parameter": "42P02",
        "undefined-schema": "3F000",
        "undefined-database": "3D000",
        "undefined-statement": "26000",
        "undefined-cursor": "34000",
        "undefined-savepoint": "3B001",
        "undefined-setting": "42704",
        "ambiguous-column": "42702",
        "ambiguous-function": "42725",
        "duplicate-table": "42P07",
        "duplicate-column": "42701",
        "duplicate-object": "42710",
        "duplicate-schema": "42P06",
        "duplicate-statement": "42P05",
        "duplicate-cursor": "42P03",
        "duplicate-alias": "42712",
        "dependent-objects": "2BP01",
        "wrong-object-type": "42809",
        "invalid-column-reference": "42P10",
        "grouping-error": "42803",
        "windowing-error": "42P20",
        "datatype-mismatch": "42804",
        "cannot-coerce": "42846",
        "indeterminate-datatype": "42P18",
        "read-only-setting": "55P02",  # cant_change_runtime_param
        "wrong-state": "55000",  # object_not_in_prerequisite_state
        # values
        "data-exception": "22000",
        "division-by-zero": "22012",
        "numeric-out-of-range": "22003",
        "datetime-out-of-range": "22008",
        "invalid-datetime": "22007",
        "invalid-limit": "2201W",  # invalid_row_count_in_limit_clause
        "invalid-sample": "2202H",  # invalid_tablesample_argument
        "invalid-offset": "2201X",
        "invalid-power-argument": "2201F",
        "invalid-logarithm-argument": "2201E",
        "substring-error": "22011",
        "string-too-long": "22001",
        "bit-length-mismatch": "22026",
        "array-subscript": "2202E",  # array_subscript_error
        "bad-copy-format": "22P04",
        "invalid-text": "22P02",  # invalid_text_representation
        "invalid-binary": "22P03",  # invalid_binary_representation
        "invalid-encoding": "22021",  # character_not_in_repertoire
        "invalid-regexp": "2201B",
        "invalid-json": "22P02",
        "cardinality-violation": "21000",
        "constraint-violation": "23000",
        "unique-violation": "23505",
        "not-null-violation": "23502",
        "check-violation": "23514",
        "foreign-key-violation": "23503",
        "sequence-exhausted": "2200H",  # sequence_generator_limit_exceeded
        "generated-always": "428C9",
        "invalid-table-definition": "42P16",
        # transactions
        "failed-transaction": "25P02",
        "no-active-transaction": "25P01",
        "active-transaction": "25001",
        "statement-timeout": "57014",
        # connections
        "protocol-violation": "08P01",
        "invalid-authorization": "28000",
        "invalid-password": "28P01",
        "too-many-failures": "28000",
        "tls-failed": "08006",  # connection_failure
        "too-many-connections": "53300",
        "out-of-memory": "53200",
        "disk-full": "53100",
        "statement-too-complex": "54001",
        "too-many-arguments": "54023",
        "limit-exceeded": "54000",
        "idle-session-timeout": "57P05",
        "idle-in-transaction-timeout": "25P03",
        "shutting-down": "57P01",  # admin_shutdown
        "address-in-use": "58000",  # system_error; nobody is connected to be told
        "starting-up": "57P03",  # cannot_connect_now
    }
)
"""Kind → SQLSTATE."""


_TEXTS: Final = ("detail", "hint", "context", "schema", "table", "column", "constraint")


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """What an ErrorResponse says, without its severity."""

    code: str
    message: str
    detail: str | None = None
    hint: str | None = None
    position: int | None = None
    context: str | None = None
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    constraint: str | None = None


def sqlstate(error: GatewayError) -> str:
    """Return the SQLSTATE of an error."""
    return SQLSTATES[error.kind]


def report(error: GatewayError) -> ErrorReport:
    """Return what the client is told about an error: its one line, and detail, hint and position where it has them."""
    position = getattr(error, "position", None)
    texts = {name: text for name in _TEXTS if isinstance(text := getattr(error, name, None), str) and text}
    return ErrorReport(
        sqlstate(error),
        str(error),
        position=position if isinstance(position, int) and position > 0 else None,
        **texts,
    )
