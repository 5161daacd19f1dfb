"""The DuckDB connections of one session: a cursor per statement, one more for its temporary tables, and what runs now.

A connection with an unfinished result cannot take another statement, so each statement gets a cursor of its own (5 µs).
Temporary tables belong to one connection; a result that is still open on it is read into memory before the next
statement uses it. `interrupt` may come from any thread; everything else from one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Final

import duckdb

from fsspeckit_lib.errors import Cancelled, InvalidValue
from fsspeckit_sqlserver.engine.rows import QueryRows
from fsspeckit_sqlserver.engine.running import Running
from fsspeckit_sqlserver.engine.scanning import Prepared
from fsspeckit_sqlserver.engine.styling import TextForm
from fsspeckit_sqlserver.engine.world import World

__all__ = ["Connections"]

_UTC_NAMES: Final = frozenset({"utc", "etc/utc", "gmt", "etc/gmt", "zulu", "etc/zulu", "uct", "etc/uct"})


class Connections:
    """See the module."""

    def __init__(self, world: World, user: str, database: str) -> None:
        """Begin without any."""
        self._world, self.user, self.database = world, user, database
        self.search_path: tuple[str, ...] = ("public",)
        self.date_order = "MDY"
        self.date_style, self.interval_style = "ISO", "postgres"
        self.float_digits = 1
        self.has_row_types = False  # structs are composite, not json
        self.own_variables: Callable[[], Mapping[str, object]] = dict  # the session's own rows of the catalog
        self._time_zone = "UTC"
        self._cancel = threading.Event()
        self._lock = threading.Lock()  # guards _current
        self._current: Running | None = None
        self._main: duckdb.DuckDBPyConnection | None = None
        self._main_generation = -1
        self._main_told: tuple[object, ...] = ()
        self._main_rows: QueryRows | None = None

    # ---- what runs now

    def start_call(self) -> None:
        """Forget an interrupt that came between two statements."""
        self._cancel.clear()

    def checkpoint(self) -> None:
        """Raise Cancelled when the running call was interrupted."""
        if self._cancel.is_set():
            raise Cancelled("canceling statement due to user request")

    def guard(self, running: Running | None) -> None:
        """Note which attempt is in a call now; None when it returned."""
        with self._lock:
            self._current = running
        if running is None:
            self._cancel.clear()

    def interrupt(self) -> None:
        """End the running call. From any thread."""
        self._cancel.set()
        with self._lock:
            running = self._current
        if running is not None:
            running.interrupt()

    # ---- connections

    @property
    def identity(self) -> tuple[object, ...]:
        """Whatever of the session the answer to a query may depend on."""
        generation = self._world.instance.generation
        return (
            self.user,
            self.database,
            self.search_path,
            self._time_zone,
            self.date_order,
            self.date_style,
            self.interval_style,
            self.float_digits,
            self.has_row_types,
            generation,
        )

    @property
    def time_zone(self) -> str:
        """The session's time zone, by name."""
        return self._time_zone

    @property
    def text_style(self) -> TextForm | None:
        """How dates, times and intervals become text; None for ISO, as DuckDB writes them."""
        if self.date_style == "ISO" and self.interval_style == "postgres":
            return None
        return TextForm(self.date_style, self.date_order == "DMY", self.interval_style, self._time_zone)

    @property
    def zone_is_utc(self) -> bool:
        """Whether naive times are in UTC."""
        return self._time_zone.casefold() in _UTC_NAMES

    def cursor(self, *, for_catalog: bool = True) -> duckdb.DuckDBPyConnection:
        """Return a new connection set up for this session; the caller closes it."""
        cursor = self._world.instance.cursor()
        if for_catalog:
            self._set_variables(cursor)
        if not self.zone_is_utc:
            cursor.execute(f"SET TimeZone = '{self._time_zone}'")
        return cursor

    def _set_variables(self, connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
        """Tell a connection whose session it serves; return what it was told."""
        own = self.own_variables()
        self._world.set_variables(connection, self.database, self.user, self.search_path)
        for name, value in own.items():
            connection.execute(f"SET VARIABLE {name} = $1", [value])
        return (self.search_path, own)

    def _main_for_catalog(self) -> duckdb.DuckDBPyConnection:
        """Return the main connection, which knows of the session what there is to know now."""
        main = self.main()
        told = self._main_told
        if not told or told[0] != self.search_path or told[1] is not self.own_variables():
            self._main_told = self._set_variables(main)
        return main

    def set_time_zone(self, value: str) -> None:
        """Take over a time zone.

        Raises:
            InvalidValue: there is none of this name.
        """
        zone = value.strip().strip("'").replace("'", "''")
        cursor = self._world.instance.cursor()
        try:
            cursor.execute(f"SET TimeZone = '{zone}'")
        except duckdb.Error as error:
            raise InvalidValue(f'invalid value for parameter "TimeZone": "{value}"') from error
        finally:
            cursor.close()
        self._time_zone = zone
        if self._main is not None:
            self._main.execute(f"SET TimeZone = '{zone}'")

    @property
    def generation(self) -> int:
        """Which database it is: a number that grows when DuckDB's is replaced."""
        return self._world.instance.generation

    @property
    def has_lost_tables(self) -> bool:
        """Whether the database was replaced since the temporary tables were made."""
        return self._main is not None and self._main_generation != self._world.instance.generation

    def main(self) -> duckdb.DuckDBPyConnection:
        """Return the connection that knows the temporary tables, with no open result; opened when first needed."""
        if self.has_lost_tables:
            self._main = self._main_rows = None
        if self._main is None:
            self._main, self._main_told = self.cursor(for_catalog=False), ()
            self._main_generation = self._world.instance.generation
        if self._main_rows is not None:
            self._main_rows.keep_in_memory()
            self._main_rows = None
        return self._main

    def occupy_main(self, rows: QueryRows) -> None:
        """Note that a result is open on the main connection."""
        self._main_rows = rows

    def forget(self, rows: QueryRows) -> None:
        """Note that a result was closed."""
        if self._main_rows is rows:
            self._main_rows = None

    def for_statement(self, *, uses_temp: bool, uses_variables: bool = True) -> duckdb.DuckDBPyConnection:
        """Return the connection a statement runs on."""
        if uses_temp:
            return self._main_for_catalog() if uses_variables else self.main()
        return self.cursor(for_catalog=uses_variables)

    def attempt(
        self, prepared: Prepared, *, uses_temp: bool, uses_variables: bool = True, is_exempt: bool = False
    ) -> Running:
        """Return a new attempt at a statement, on the connection it belongs to.

        Args:
            is_exempt: it needs no turn: it reads no table.
        """
        instance = self._world.instance
        generation = instance.generation
        cursor = self.for_statement(uses_temp=uses_temp, uses_variables=uses_variables)
        queue, user = self._world.queue, self.user
        return Running(
            cursor,
            prepared.leases,
            owns_cursor=not uses_temp,
            on_fatal=lambda: instance.replace(generation),
            turn=(lambda _: nullcontext()) if is_exempt else (lambda check: queue.turn(user, check)),
        )

    def run_all(self, sql: str, prepared: Prepared, *, uses_temp: bool) -> list[tuple[object, ...]]:
        """Run a statement to its end and return its few rows; closes the leases.

        Raises:
            GatewayError: translated.
        """
        running = self.attempt(prepared, uses_temp=uses_temp, uses_variables=not uses_temp or "gw_" in sql)
        self.guard(running)
        try:
            self.checkpoint()
            return running.run_all(sql, prepared.parameters)
        finally:
            self.guard(None)
            running.close()

    def close(self) -> None:
        """Close the main connection; the temporary tables go with it."""
        if self._main is not None:
            self._main.close()
