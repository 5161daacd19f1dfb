"""Errors on their way out of DuckDB: by exception, and through Arrow as text."""

from __future__ import annotations

import duckdb
import pytest

from fsspeckit_lib.errors import Cancelled, Internal
from fsspeckit_sqlserver.engine.running import Running
from fsspeckit_sqlserver.engine.translation import translate_duckdb
from fsspeckit_sqlserver.sqlstates import sqlstate


class _FailingCursor:
    """A connection whose statements fail in a given way."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.is_closed = False

    def execute(self, sql: str, parameters: object = None) -> None:
        raise self.error

    def sql(self, sql: str, params: object = None) -> None:
        raise self.error

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    ("error", "is_fatal"),
    [
        (duckdb.FatalException("FATAL Error: boom"), True),
        (duckdb.InternalException("INTERNAL Error: boom"), True),
        (duckdb.BinderException("Binder Error: boom"), False),
    ],
)
@pytest.mark.parametrize("is_small", [True, False])
def test_a_fatal_error_asks_for_a_new_database(error: duckdb.Error, is_fatal: bool, is_small: bool) -> None:
    asked: list[bool] = []
    cursor = _FailingCursor(error)
    running = Running(cursor, [], owns_cursor=True, on_fatal=lambda: asked.append(True))  # type: ignore[arg-type]
    with pytest.raises(Exception) as caught:  # the class is checked below
        running.start("SELECT 1", {}, ("INTEGER",), is_small=is_small)
    running.close()
    assert bool(asked) is is_fatal
    assert isinstance(caught.value, Internal) is is_fatal
    assert cursor.is_closed


def test_errors_that_arrow_turned_into_text(caplog: pytest.LogCaptureFixture) -> None:
    for text, code in (
        ("Invalid: Conversion Error: Could not convert string 'a' to INT32", "22P02"),
        ("Invalid: Out of Range Error: Overflow in addition of INT32 (1 + 1)!", "22003"),
        ("Invalid: INTERRUPT Error: Interrupted!", "57014"),
        ("something else", "XX000"),
    ):
        running = Running(_FailingCursor(OSError(text)), [], owns_cursor=True, on_fatal=lambda: None)  # type: ignore[arg-type]
        with pytest.raises(Exception) as caught:  # the code is checked below
            running.start("SELECT 1", {}, (), is_small=False)
        assert sqlstate(caught.value) == code  # type: ignore[arg-type]


def test_every_exception_of_duckdb_has_a_place() -> None:
    for name in dir(duckdb):
        kind = getattr(duckdb, name)
        if isinstance(kind, type) and issubclass(kind, duckdb.Error):
            error = translate_duckdb(kind("Some Error: text"))
            assert sqlstate(error)
            assert "\n" not in str(error)
    assert isinstance(translate_duckdb(duckdb.InterruptException("INTERRUPT Error: Interrupted!")), Cancelled)
