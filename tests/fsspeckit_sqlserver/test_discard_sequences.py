"""DISCARD SEQUENCES, compared with PostgreSQL; system columns, which are refused."""

from __future__ import annotations

import pytest

from tests.fsspeckit_sqlserver.compared import answers
from tests.fsspeckit_sqlserver.conftest import RunningServer

SCRIPT = [
    "DISCARD SEQUENCES",
    "CREATE TEMP SEQUENCE s",
    "SELECT nextval('s'), currval('s')",
    "SELECT lastval()",
    "DISCARD SEQUENCES",
    "SELECT currval('s')",
    "SELECT lastval()",
    "SELECT nextval('s')",
    "SELECT currval('s'), lastval()",
]


def test_sequences_forget_what_they_gave(postgres: str, gateway: RunningServer) -> None:
    assert answers(gateway.dsn, SCRIPT) == answers(postgres, SCRIPT)


@pytest.mark.parametrize("name", ["ctid", "xmin", "cmax", "tableoid", "trips.ctid", "t.xmax"])
def test_system_columns_are_refused(gateway: RunningServer, name: str) -> None:
    alias = name.partition(".")[0] if "." in name else "t"
    ((_, code, words, *_),) = answers(gateway.dsn, [f"SELECT {name} FROM trips AS {alias}"])
    assert code == b"0A000"
    assert b"system column" in bytes(str(words), "utf-8")


def test_rows_of_datasets_are_not_locked_by_place(gateway: RunningServer) -> None:
    """As postgres_fdw asks for what it is about to change."""
    ((_, code, *_),) = answers(gateway.dsn, ["SELECT id, ctid FROM public.trips FOR UPDATE"])
    assert code == b"25006"
