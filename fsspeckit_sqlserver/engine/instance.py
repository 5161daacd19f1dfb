"""The DuckDB instance: made, locked down, replaced after a fatal error. The only file that opens a DuckDB database.

Lock-down, in two layers. The parse tree is the first: only statements and functions on a list reach DuckDB
(`statements`, `functions`). The second is DuckDB's own: no access outside of the cache folder, the folder of links and
the registered file system; no extensions; no configuration changes but the session's time zone.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_sqlserver.engine.ranged_files import PROTOCOL, RangedFiles, RangedFileSystem

__all__ = ["Instance", "InstanceConfig"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InstanceConfig:
    """How DuckDB is set up.

    Attributes:
        readable_folders: absolute paths DuckDB may read in.
        temp_directory: where it spills.
        memory_limit: DuckDB's text, `4GB`; None for its default, 80 % of the memory.
        threads: None for one per core.
    """

    readable_folders: tuple[str, ...]
    temp_directory: str
    memory_limit: str | None = None
    threads: int | None = None


class Instance:
    """One in-memory database shared by all sessions; each statement gets a cursor of its own."""

    def __init__(
        self, config: InstanceConfig, files: RangedFiles, prepare: Callable[[duckdb.DuckDBPyConnection], None]
    ):
        """Open the database.

        Args:
            files: what the registered file system serves.
            prepare: fills a fresh database (catalog, macros) before it is locked.

        Raises:
            InvalidValue: the memory limit or the number of threads.
        """
        self._config, self._files, self._prepare = config, files, prepare
        self._lock = threading.Lock()
        self.generation = 0
        self._reads_ranges = False
        self._connection = self._open()
        files.when_used = self._read_ranges

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a new connection to the database. Costs 5 µs; close it."""
        with self._lock:
            return self._connection.cursor()

    def replace(self, generation: int) -> None:
        """Open a new database in place of the one of that generation, which failed. Temporary tables are lost."""
        with self._lock:
            if generation != self.generation:
                return  # somebody else did
            _logger.error("DuckDB failed; its database is replaced, temporary tables are lost")
            self._connection = self._open()
            self.generation += 1

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._files.when_used = lambda _: None
            self._connection.close()

    def _read_ranges(self, is_so: bool) -> None:
        with self._lock:
            self._reads_ranges = is_so
            for name, value in _reading(is_so):
                self._connection.execute(f"SET GLOBAL {name} = {value}")

    def _open(self) -> duckdb.DuckDBPyConnection:
        config = self._config
        # Arrow through a cursor that has executed makes a copy, which is what small answers want.
        warnings.filterwarnings("ignore", message="Arrow output on a DB-API result", category=UserWarning)
        connection = duckdb.connect(":memory:")
        connection.register_filesystem(RangedFileSystem(self._files))
        settings: list[tuple[str, object]] = [
            ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False),
            ("allow_community_extensions", False),
            ("allow_persistent_secrets", False),
            ("python_enable_replacements", False),
            ("enable_external_file_cache", False),  # the cache is ours, and a second one would not see new versions
            *_reading(self._reads_ranges),
            ("allocator_background_threads", True),  # what a result held goes back to the system when it is over
            ("integer_division", True),  # 7 / 2 = 3, as in PostgreSQL
            ("ieee_floating_point_ops", False),  # 1.0 / 0 is an error
            ("default_null_order", "nulls_last_on_asc_first_on_desc"),
            ("TimeZone", "UTC"),
            ("temp_directory", config.temp_directory),
        ]
        if config.memory_limit is not None:
            settings.append(("memory_limit", config.memory_limit))
        if config.threads is not None:
            settings.append(("threads", config.threads))
        for name, value in settings:
            try:
                connection.execute(f"SET GLOBAL {name} = $1", [value])
            except duckdb.Error as error:
                raise InvalidValue(f"DuckDB: {name} = {value!r}: {error}; use a value DuckDB takes") from error
        self._prepare(connection)
        folders = [*(os.path.realpath(folder) + "/" for folder in config.readable_folders), f"{PROTOCOL}://"]
        for name, value in (
            ("allowed_directories", folders),
            ("allowed_configs", ["TimeZone", *dict(_reading(False))]),
            ("enable_external_access", False),
            ("lock_configuration", True),
        ):
            connection.execute(f"SET GLOBAL {name} = $1", [value])
        return connection


def _reading(in_ranges: bool) -> list[tuple[str, object]]:
    """Return DuckDB's settings for reading files: of the local disk alone, or some of them in ranges.

    In ranges each read is a request: few large reads bring the columns of a row group, as many row groups ahead as
    memory allows. From the local disk it reads page by page, as it decodes them: a sixth less of the processor for a
    look-up, a third for a grouping, 40 % for a thousand files; and a result that waits for its reader holds two row
    groups, not eight.
    """
    return [("disable_parquet_prefetching", not in_ranges), ("read_ahead_depth", -1 if in_ranges else 2)]
