"""The run-time parameters clients touch: names, defaults, what they accept, which of them are reported.

Pure. PostgreSQL calls them GUCs. Values are kept as the text SHOW prints. Parameters that tune PostgreSQL's own planner
and storage are accepted and remembered, so that clients which set them by habit go on.
Source: PostgreSQL 16 manual, "Server Configuration" and "ParameterStatus".
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from fsspeckit_lib.errors import InvalidValue, Unsupported
from fsspeckit_sqlserver.session.errors import InvalidSetting

__all__ = ["SERVER_VERSION", "SETTINGS", "Setting", "milliseconds"]

SERVER_VERSION: Final = "16.4 (fsspeckit-gateway)"
"""Drivers read the leading number; people read the rest. 16 is the version whose catalogs and messages are followed."""

Check: TypeAlias = Callable[[str, str], str]
"""(name, wanted) → the text to keep. Raises InvalidValue or Unsupported."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter. `reported` ones go to the client as ParameterStatus whenever they change."""

    name: str
    default: str
    check: Check
    reported: bool = False
    read_only: bool = False


def _any(_name: str, wanted: str) -> str:
    return wanted


_BOOLEANS = {"on": "on", "true": "on", "yes": "on", "1": "on", "t": "on", "y": "on"} | {
    "off": "off",
    "false": "off",
    "no": "off",
    "0": "off",
    "f": "off",
    "n": "off",
}


def _boolean(name: str, wanted: str) -> str:
    try:
        return _BOOLEANS[wanted.lower()]
    except KeyError:
        raise InvalidValue(f'parameter "{name}" requires a Boolean value') from None


def _always_on(name: str, wanted: str) -> str:
    """Accept on; refuse off as unsupported: the answer would not be what the client asked for."""
    if _boolean(name, wanted) == "off":
        raise Unsupported(f'parameter "{name}" cannot be off here')
    return "on"


def _enum(*known: str) -> Check:
    def check(name: str, wanted: str) -> str:
        if wanted.lower() in known:
            return wanted.lower()
        raise InvalidSetting(name, wanted, known)

    return check


def _integer(low: int, high: int) -> Check:
    def check(name: str, wanted: str) -> str:
        try:
            value = int(wanted)
        except ValueError:
            raise InvalidSetting(name, wanted) from None
        if not low <= value <= high:
            raise InvalidValue(f'{value} is outside the valid range for parameter "{name}" ({low} .. {high})')
        return str(value)

    return check


_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*\Z")
_MILLISECONDS = {"us": 0.001, None: 1, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(name: str, text: str) -> int:
    """Return the milliseconds that a time setting means: `1500`, `30s`, `5min`."""
    match = _DURATION.match(text)
    if match is None:
        raise InvalidSetting(name, text)
    return round(float(match[1]) * _MILLISECONDS[match[2]])


def _duration(name: str, wanted: str) -> str:
    value = milliseconds(name, wanted)
    if value > 2**31 - 1:
        raise InvalidValue(f'{value} ms is outside the valid range for parameter "{name}" (0 ms .. 2147483647 ms)')
    for unit in ("d", "h", "min", "s"):
        if value and value % _MILLISECONDS[unit] == 0:
            return f"{value // int(_MILLISECONDS[unit])}{unit}"
    return f"{value}ms" if value else "0"


_OTHER_ENCODINGS = (
    "latin1 latin2 latin3 latin4 latin5 latin6 latin7 latin8 latin9 latin10 win1250 win1251 win1252 win1253 win1254 "
    "win1255 win1256 win1257 win1258 win866 win874 koi8r koi8u iso88591 iso885915 iso88595 iso88596 iso88597 iso88598 "
    "eucjp euccn euckr euctw eucjis2004 sjis big5 gbk gb18030 uhc johab shiftjis2004 muleinternal"
)
_ENCODINGS: Final = frozenset(_OTHER_ENCODINGS.split())
"""PostgreSQL's other encodings, by their letters."""


def _encoding(_name: str, wanted: str) -> str:
    letters = "".join(filter(str.isalnum, wanted.lower()))  # as PostgreSQL reads them: asyncpg sends 'utf-8', quoted
    if letters in {"utf8", "unicode", "sqlascii"}:
        return "UTF8"
    if letters not in _ENCODINGS:
        raise InvalidSetting(_name, wanted)
    raise Unsupported(f'client_encoding cannot be {wanted!r}: the gateway speaks UTF8; set client_encoding to "UTF8"')


_DATE_ORDERS = {"MDY", "DMY", "YMD"}
_DATE_STYLES = {"ISO": "ISO", "SQL": "SQL", "POSTGRES": "Postgres", "GERMAN": "German"}


def _date_style(name: str, wanted: str) -> str:
    style, order = "ISO", ""
    for word in filter(None, (piece.strip().upper() for piece in wanted.split(","))):
        if word in _DATE_ORDERS:
            order = word
        elif word in {"US", "NONEURO", "NONEUROPEAN"}:
            order = "MDY"
        elif word in {"EURO", "EUROPEAN"}:
            order = "DMY"
        elif word in _DATE_STYLES:
            style = _DATE_STYLES[word]
        elif word != "DEFAULT":
            raise InvalidSetting(name, wanted)
    return f"{style}, {order or ('DMY' if style == 'German' else 'MDY')}"


_OFFSET = re.compile(r"([+-]?)(\d{1,2})(?::?00)?\Z")


def _time_zone(name: str, wanted: str) -> str:
    if wanted.lower() in {"local", "default"}:
        return "UTC"
    if offset := _OFFSET.match(wanted):  # hours east of Greenwich; the names of Etc/ count westward
        hours = int(offset[2])
        if hours > 14 or (hours > 12 and offset[1] == "-"):
            raise InvalidSetting(name, wanted)
        return f"Etc/GMT{'+' if offset[1] == '-' else '-'}{hours}" if hours else "UTC"
    try:
        zoneinfo.ZoneInfo(wanted)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        folded = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        try:
            return folded[wanted.lower()]
        except KeyError:
            raise InvalidSetting(name, wanted) from None
    return wanted


_ISOLATION = _enum("read uncommitted", "read committed", "repeatable read", "serializable")


def _table(settings: Iterable[Setting]) -> Mapping[str, Setting]:
    return MappingProxyType({setting.name.lower(): setting for setting in settings})


SETTINGS: Final = _table(
    (
        # reported to every client at startup, in PostgreSQL 16
        Setting("in_hot_standby", "off", _any, reported=True, read_only=True),
        Setting("integer_datetimes", "on", _any, reported=True, read_only=True),
        Setting("TimeZone", "UTC", _time_zone, reported=True),
        Setting(
            "IntervalStyle",
            "postgres",
            _enum("postgres", "postgres_verbose", "sql_standard", "iso_8601"),
            reported=True,
        ),
        Setting("is_superuser", "off", _any, reported=True, read_only=True),
        Setting("application_name", "", _any, reported=True),
        Setting("default_transaction_read_only", "off", _boolean, reported=True),
        Setting("scram_iterations", "4096", _integer(1, 2**31 - 1), reported=True),
        Setting("DateStyle", "ISO, MDY", _date_style, reported=True),
        Setting("standard_conforming_strings", "on", _always_on, reported=True),
        Setting("session_authorization", "", _any, reported=True),
        Setting("client_encoding", "UTF8", _encoding, reported=True),
        Setting("server_version", SERVER_VERSION, _any, reported=True, read_only=True),
        Setting("server_encoding", "UTF8", _any, reported=True, read_only=True),
        # obeyed
        Setting("statement_timeout", "0", _duration),
        Setting("search_path", '"$user", public', _any),
        Setting("bytea_output", "hex", _enum("hex", "escape")),
        Setting("transaction_isolation", "read committed", _ISOLATION),
        Setting("default_transaction_isolation", "read committed", _ISOLATION),
        Setting("transaction_read_only", "off", _boolean),
        Setting("transaction_deferrable", "off", _boolean),
        Setting("default_transaction_deferrable", "off", _boolean),
        Setting("fsspeckit.struct_format", "json", _enum("json", "composite")),
        # facts
        Setting("server_version_num", "160004", _any, read_only=True),
        Setting("block_size", "8192", _any, read_only=True),
        Setting("max_identifier_length", "63", _any, read_only=True),
        Setting("max_index_keys", "32", _any, read_only=True),
        Setting("max_function_args", "100", _any, read_only=True),
        Setting("segment_size", "1GB", _any, read_only=True),
        Setting("wal_block_size", "8192", _any, read_only=True),
        Setting("lc_collate", "C.UTF-8", _any, read_only=True),
        Setting("lc_ctype", "C.UTF-8", _any, read_only=True),
        Setting("data_checksums", "off", _any, read_only=True),
        Setting("ssl", "off", _any, read_only=True),
        Setting("max_connections", "100", _any, read_only=True),
        Setting("max_prepared_transactions", "0", _any, read_only=True),
        Setting("wal_level", "replica", _any, read_only=True),
        Setting("hot_standby", "on", _any, read_only=True),
        Setting("shared_buffers", "128MB", _any, read_only=True),
        Setting("port", "5433", _any, read_only=True),
        # remembered
        Setting("extra_float_digits", "1", _integer(-15, 3)),
        Setting("client_min_messages", "notice", _any),
        Setting("log_min_messages", "warning", _any),
        Setting("log_statement", "none", _any),
        Setting("log_min_duration_statement", "-1", _any),
        Setting("lock_timeout", "0", _duration),
        Setting("idle_in_transaction_session_timeout", "0", _duration),
        Setting("idle_session_timeout", "0", _duration),
        Setting("transaction_timeout", "0", _duration),
        Setting("row_security", "on", _boolean),
        Setting("check_function_bodies", "on", _boolean),
        Setting("xmloption", "content", _enum("content", "document")),
        Setting("xmlbinary", "base64", _enum("base64", "hex")),
        Setting("escape_string_warning", "on", _boolean),
        Setting("backslash_quote", "safe_encoding", _any),
        Setting("array_nulls", "on", _boolean),
        Setting("quote_all_identifiers", "off", _boolean),
        Setting("transform_null_equals", "off", _boolean),
        Setting("synchronize_seqscans", "on", _boolean),
        Setting("synchronous_commit", "on", _any),
        Setting("session_replication_role", "origin", _enum("origin", "replica", "local")),
        Setting("default_tablespace", "", _any),
        Setting("temp_tablespaces", "", _any),
        Setting("default_table_access_method", "heap", _any),
        Setting("default_toast_compression", "pglz", _any),
        Setting("lc_messages", "C.UTF-8", _any),
        Setting("lc_monetary", "C.UTF-8", _any),
        Setting("lc_numeric", "C.UTF-8", _any),
        Setting("lc_time", "C.UTF-8", _any),
        Setting("default_text_search_config", "pg_catalog.simple", _any),
        Setting("password_encryption", "scram-sha-256", _any),
        Setting("role", "none", _any),
        Setting("plan_cache_mode", "auto", _any),
        Setting("constraint_exclusion", "partition", _any),
        Setting("cursor_tuple_fraction", "0.1", _any),
        Setting("work_mem", "4MB", _any),
        Setting("maintenance_work_mem", "64MB", _any),
        Setting("temp_buffers", "8MB", _any),
        Setting("effective_cache_size", "4GB", _any),
        Setting("effective_io_concurrency", "1", _any),
        Setting("max_parallel_workers", "8", _any),
        Setting("max_parallel_workers_per_gather", "2", _any),
        Setting("max_parallel_maintenance_workers", "2", _any),
        Setting("random_page_cost", "4", _any),
        Setting("seq_page_cost", "1", _any),
        Setting("cpu_tuple_cost", "0.01", _any),
        Setting("from_collapse_limit", "8", _any),
        Setting("join_collapse_limit", "8", _any),
        Setting("geqo", "on", _boolean),
        Setting("geqo_threshold", "12", _any),
        Setting("jit", "on", _boolean),
        Setting("jit_above_cost", "100000", _any),
        Setting("track_activities", "on", _boolean),
        Setting("vacuum_cost_delay", "0", _any),
        Setting("tcp_keepalives_idle", "0", _any),
        Setting("tcp_keepalives_interval", "0", _any),
        Setting("tcp_keepalives_count", "0", _any),
        Setting("tcp_user_timeout", "0", _any),
        *(
            Setting(f"enable_{plan}", "on", _boolean)
            for plan in (
                "async_append",
                "bitmapscan",
                "gathermerge",
                "hashagg",
                "hashjoin",
                "incremental_sort",
                "indexonlyscan",
                "indexscan",
                "material",
                "memoize",
                "mergejoin",
                "nestloop",
                "parallel_append",
                "parallel_hash",
                "partition_pruning",
                "partitionwise_aggregate",
                "partitionwise_join",
                "presorted_aggregate",
                "seqscan",
                "sort",
                "tidscan",
            )
        ),
    )
)
"""Lower-case name → parameter."""
