"""The process-wide engine: tables, DuckDB instance, catalog, sessions."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import duckdb

from fsspeckit_lib.cache import Cache
from fsspeckit_lib.cache.root import FOOTERS_FOLDER
from fsspeckit_lib.common.waiting import wait_for
from fsspeckit_lib.datasets import Checkpoint, Manifest, no_checkpoint
from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.auth.rights import EVERYTHING, ReadRights
from fsspeckit_sqlserver.catalog import Catalog, CatalogTable
from fsspeckit_sqlserver.catalog.dataset_oids import dataset_oids
from fsspeckit_sqlserver.engine.answers import Answers
from fsspeckit_sqlserver.engine.compiler import Plan
from fsspeckit_sqlserver.engine.decoded import DECODED_SCHEMA, DecodedFiles
from fsspeckit_sqlserver.engine.instance import Instance, InstanceConfig
from fsspeckit_sqlserver.engine.leases import WHOLE_FILE_BYTES, FileBudget, Lease
from fsspeckit_sqlserver.engine.queueing import FairQueue
from fsspeckit_sqlserver.engine.ranged_files import RangedFiles
from fsspeckit_sqlserver.engine.scanning import Scanner
from fsspeckit_sqlserver.engine.session import DuckSession
from fsspeckit_sqlserver.engine.shelf import Shelf
from fsspeckit_sqlserver.engine.sources import (
    DEFAULT_SCHEMA,
    TableSource,
    open_schema_tables,
    open_table,
    split_name,
    table_index,
)
from fsspeckit_sqlserver.engine.stability import Stability, learn_stability
from fsspeckit_sqlserver.engine.tables import SHAPE_SCHEMA, DatasetTable, Shapes
from fsspeckit_sqlserver.types.composite import (
    FIRST_ROW_TYPE,
    RowArrayOid,
    RowType,
    RowTypeOid,
    composite_column,
    row_types_of,
)
from fsspeckit_sqlserver.types.mapping import column_for

__all__ = ["DuckEngine", "open_engine"]

_THREADS: Final = 16
_MOST_ROW_TYPES: Final = 4_096
_RECURSION_LIMIT: Final = 10_000
_VERSION: Final = "PostgreSQL 16.4 (fsspeckit-gateway, DuckDB {duckdb})"

_FOLDER_NAME = re.compile(r"fsspeckit-(sql|spill)-(\d+)-\w+")
_logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def open_engine(
    tables: Mapping[str, TableSource],
    schemas: Mapping[str, TableSource] | None = None,
    *,
    cache: Cache,
    memory_limit: str | None = None,
    threads: int | None = None,
    manifest_ttl_s: float = 30.0,
    temp_directory: str | None = None,
    whole_file_bytes: int = WHOLE_FILE_BYTES,
    max_running: int | None = None,
    rights: ReadRights = EVERYTHING,
    has_row_types: bool = False,
) -> DuckEngine:
    """Open the engine: list every table's files, start DuckDB.

    Args:
        tables: `table` or `schema.table` → its folder.
        schemas: schema → a folder whose sub-folders are tables.
        cache: through which all files are read.
        memory_limit: of DuckDB, in its own words (`4GB`); None for 80 % of the memory.
        threads: of DuckDB; None for one per core.
        manifest_ttl_s: how long a listing is believed.
        temp_directory: where DuckDB spills; None for a fresh folder, removed at close.
        max_running: how many calls work in DuckDB at a time, the others wait; None for twice the number of cores.
        whole_file_bytes: up to this size a file is fetched whole, above it only the ranges a query reads.
        rights: who may read which tables.
        has_row_types: structs in tables are composite in the catalog; sessions say what they are in results.

    Raises:
        NotFound: a table without parquet files, or a bucket that does not exist.
        InvalidValue: a name that cannot be used, or a limit DuckDB does not take.
        AccessDenied, Unavailable: as the storage says.
    """
    # Rewriting walks the parse tree; Python's own frames are on the heap, so this costs no stack.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="engine")

    def open_one(schema: str, name: str, source: TableSource) -> DatasetTable:
        return open_table(
            schema, name, source, cache, executor, manifest_ttl_s, f"{cache.config.root}/{FOOTERS_FOLDER}"
        )

    try:
        named = [(*split_name(name), source) for name, source in tables.items()]
        opened = _in_parallel(lambda item: open_one(*item), named)
        for schema, source in (schemas or {}).items():
            opened.extend(open_schema_tables(schema, source, open_one))
        index = table_index(opened)
        for user, pattern in rights.idle(index):
            _logger.warning("sqlserver.users.%s.read: no table is called %r", user, pattern)
        places = max_running or 2 * (os.cpu_count() or 1)
        return DuckEngine(
            index,
            cache,
            executor,
            memory_limit,
            threads,
            temp_directory,
            whole_file_bytes,
            places,
            rights,
            has_row_types=has_row_types,
        )
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise


def _in_parallel(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply `work` to all items in threads of its own; the first error wins."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(_THREADS, len(items)), thread_name_prefix="engine-open") as pool:
        return list(pool.map(work, items))


def _fresh_folder(parent: str, kind: str) -> str:
    """Return a fresh folder, and remove those of processes that were killed."""
    with os.scandir(parent) as entries:
        for entry in entries:
            found = _FOLDER_NAME.fullmatch(entry.name)
            if found and found[1] == kind and not os.path.exists(f"/proc/{found[2]}"):
                shutil.rmtree(entry.path, ignore_errors=True)  # another user's stays
    return tempfile.mkdtemp(prefix=f"fsspeckit-{kind}-{os.getpid()}-", dir=parent)


def _folder_of_links() -> str:
    """Return a fresh folder for links.

    In memory where that is to be had: making and removing folders costs 2.5 ms on some disks, and 5 µs there.
    """
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else tempfile.gettempdir()
    return _fresh_folder(parent, "sql")


def _preview(table: DatasetTable) -> tuple[DatasetTable, Manifest | GatewayError]:
    try:
        return table, table.dataset.preview()
    except GatewayError as error:
        _logger.warning("the columns of %s are not known: %s", table.full_name, error)
        return table, error


class DuckEngine:
    """See the module. Satisfies `session.ports.Engine`."""

    def __init__(
        self,
        tables: Mapping[tuple[str, str], DatasetTable],
        cache: Cache,
        executor: ThreadPoolExecutor,
        memory_limit: str | None,
        threads: int | None,
        temp_directory: str | None,
        whole_file_bytes: int,
        max_running: int,
        rights: ReadRights,
        *,
        has_row_types: bool,
    ) -> None:
        """Start DuckDB over tables that are open. `open_engine` is the way in."""
        self._tables, self._rights, self._has_row_types = tables, rights, has_row_types
        self.queue, self.answers = FairQueue(max_running), Answers()
        self.plans: dict[tuple[object, ...], Plan] = {}
        self.stability: Stability
        self._folded = {(schema.casefold(), name.casefold()): table for (schema, name), table in tables.items()}
        self._executor = executor
        self._links = _folder_of_links()
        self._spill = temp_directory or _fresh_folder(tempfile.gettempdir(), "spill")
        self._owned = [self._links] if temp_directory else [self._links, self._spill]
        try:
            self._catalog = Catalog()
            self._ranged = ranged = RangedFiles()
            config = InstanceConfig((cache.config.root, self._links), self._spill, memory_limit, threads)
            self.instance = Instance(config, ranged, self._prepare)
        except BaseException:
            self._remove_folders()
            raise
        budget = FileBudget(cache.config.max_size_bytes)
        self._shelf = Shelf(self._links, budget.descriptors // 2)
        self._decoded = DecodedFiles(self.instance, executor)
        self.scanner = Scanner(self._shelf, ranged, self._decoded, budget, executor, whole_file_bytes)
        self.shapes = Shapes(self.instance, self._lease_one)
        self.version = _VERSION.format(duckdb=duckdb.__version__)
        self._lock = threading.Lock()
        self._sessions: set[DuckSession] = set()
        self._databases: set[str] = set()
        self._row_types: dict[int, RowType] = {}
        self._users: set[str] = set(rights.patterns)
        self._catalog_lock = threading.Lock()
        self._catalog_state: tuple[object, ...] = ()
        self._catalog_number = 0
        self._own_catalog_generation = -1
        self._catalog_previews: list[tuple[DatasetTable, Manifest | GatewayError]] = []
        self._table_oids = dataset_oids(tables).tables
        self._schemas = frozenset({DEFAULT_SCHEMA, *(schema for schema, _ in tables)})

    # ---- session.ports.Engine

    def open_session(self, user: str, database: str) -> DuckSession:
        """Return the engine's side of a new client connection."""
        session = DuckSession(self, user, database, self._forget)
        with self._lock:
            self._sessions.add(session)
            self._databases.add(database)
            self._users.add(user)
        return session

    def close(self) -> None:
        """Close all sessions, DuckDB and the threads; remove the folder of links."""
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.interrupt()
            session.close()
        self._decoded.close()
        self.instance.close()
        self._shelf.close()
        self._ranged.close()
        self._executor.shutdown(cancel_futures=True)
        self._remove_folders()

    def _remove_folders(self) -> None:
        for folder in self._owned:
            shutil.rmtree(folder, ignore_errors=True)

    def table_names(self) -> tuple[str, ...]:
        """Return the tables as `schema.name`, sorted."""
        return tuple(sorted(table.full_name for table in self._tables.values()))

    # ---- engine.session.World

    def dataset(self, schema: str, name: str) -> DatasetTable | None:
        """Return a table, or None."""
        found = self._tables.get((schema, name))
        return found if found is not None else self._folded.get((schema.casefold(), name.casefold()))

    def has_schema(self, name: str) -> bool:
        """Return whether there is such a schema."""
        return name in self._schemas

    def may_read(self, user: str, table: DatasetTable) -> bool:
        """Return whether a user may read a table."""
        return self._rights.may_read(user, table.schema, table.name)

    def catalog_relation(self, schema: str, name: str) -> tuple[str, str] | None:
        """Return where DuckDB has a relation of pg_catalog or information_schema."""
        return self._catalog.relation(schema, name)

    def relation_oid(self, schema: str, name: str) -> int:
        """Return the OID of a dataset, or of a relation of the catalog; 0 for none."""
        return self._table_oids.get((schema, name)) or self._catalog.relation_oid(schema, name)

    def catalog_column_oid(self, relation: str, column: str) -> int | None:
        """Return the type of a column of the catalog."""
        return self._catalog.column_oid(relation, column)

    @property
    def catalog_state(self) -> object:
        """Differs when the rows of the catalog do."""
        return self._catalog_number

    @property
    def macros(self) -> dict[str, tuple[str, ...]]:
        """The catalog's functions."""
        return self._catalog.macros

    @property
    def table_macros(self) -> dict[str, tuple[str, ...]]:
        """The catalog's functions for FROM."""
        return self._catalog.table_macros

    def set_variables(
        self, cursor: duckdb.DuckDBPyConnection, database: str, user: str, search_path: tuple[str, ...]
    ) -> None:
        """Tell a connection whose session it serves."""
        self._catalog.set_variables(cursor, database, user, search_path)

    def note_row_types(self, row_types: Iterable[RowType]) -> None:
        """Let the catalog list composite types that a query has announced: the latest few thousand."""
        with self._lock:
            self._row_types |= {kind.oid: kind for kind in row_types}
            while len(self._row_types) > _MOST_ROW_TYPES:
                del self._row_types[next(iter(self._row_types))]

    def with_row_types(self, type_oids: Sequence[int]) -> tuple[int, ...]:
        """Return type OIDs with those of composite types, and of arrays of them, as numbers that know their fields."""
        if all(oid < FIRST_ROW_TYPE for oid in type_oids):
            return tuple(type_oids)
        with self._lock:
            kinds = {kind.oid: RowTypeOid(kind) for kind in self._row_types.values()}
        known: dict[int, int] = {**kinds, **{kind.row_type.array_oid: RowArrayOid(kind) for kind in kinds.values()}}
        return tuple(known.get(oid, oid) for oid in type_oids)

    def prepare_catalog(self, checkpoint: Checkpoint) -> None:
        """Bring the rows of the catalog up to date with the tables' columns."""
        pending = [self._executor.submit(_preview, table) for table in self._tables.values()]
        try:
            previews = [wait_for(future, checkpoint) for future in pending]
        finally:
            for future in pending:
                future.cancel()
        with self._lock:
            databases, users, row_types = frozenset(self._databases), frozenset(self._users), dict(self._row_types)
        state = (
            self.instance.generation,
            databases,
            users,
            frozenset(row_types),
            *(id(known) for _, known in previews),
        )
        with self._catalog_lock:
            if state == self._catalog_state:
                return
            described = [self._describe(table, known) for table, known in previews]
            cursor = self.instance.cursor()
            try:
                denied = self._rights.denied(self._tables)
                with self._lock:
                    row_types |= self._row_types  # those of the tables as well
                self._catalog.fill(cursor, described, databases, users, denied, row_types.values())
            finally:
                cursor.close()
            self._catalog_state = state
            self._catalog_previews = previews  # keeps what the ids above name alive
            # After the rows: an answer kept under a number holds rows of it or newer ones, never of an older number.
            self._catalog_number += 1

    def prepare_own_catalog(self) -> None:
        """Make the views that show a session's own rows of the catalog, once in each database."""
        with self._catalog_lock:
            generation = self.instance.generation
            if generation != self._own_catalog_generation:
                cursor = self.instance.cursor()
                try:
                    self._catalog.install_own(cursor)
                finally:
                    cursor.close()
                self._own_catalog_generation = generation

    def _describe(self, table: DatasetTable, known: Manifest | GatewayError) -> CatalogTable:
        if isinstance(known, GatewayError):  # one broken table must not hide the others
            return CatalogTable(table.schema, table.name, (), 0, 0, str(known))
        shape = self.shapes.of(table, known)
        columns = tuple(column_for(name, kind) for name, kind in shape.columns.items())
        composite = tuple(map(composite_column, columns, shape.columns.values()))
        self.note_row_types(row_types_of(composite))
        columns = composite if self._has_row_types else columns
        count = len(known.files)
        comment = f"{count} parquet file{'' if count == 1 else 's'} at {table.dataset.store.url}"
        return CatalogTable(table.schema, table.name, columns, known.rows, known.size_bytes, comment)

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._catalog.install(connection)
        self.stability = learn_stability(connection)
        for schema in (SHAPE_SCHEMA, DECODED_SCHEMA):
            connection.execute(f"CREATE SCHEMA {schema}")

    def _lease_one(self, table: DatasetTable, manifest: Manifest, place: int) -> Lease:
        return self.scanner.lease(table, manifest, [place], no_checkpoint, is_ranged_preferred=True)

    def _forget(self, session: DuckSession) -> None:
        with self._lock:
            self._sessions.discard(session)
