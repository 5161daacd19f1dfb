"""What a session asks of the process-wide engine. `engine.DuckEngine` satisfies it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import duckdb

from fsspeckit_lib.datasets import Checkpoint
from fsspeckit_sqlserver.engine.answers import Answers
from fsspeckit_sqlserver.engine.compiler import Plan
from fsspeckit_sqlserver.engine.instance import Instance
from fsspeckit_sqlserver.engine.queueing import FairQueue
from fsspeckit_sqlserver.engine.scanning import Scanner
from fsspeckit_sqlserver.engine.stability import Stability
from fsspeckit_sqlserver.engine.tables import DatasetTable, Shapes
from fsspeckit_sqlserver.types.composite import RowType

__all__ = ["World"]


class World(Protocol):
    """The engine as its sessions see it."""

    @property
    def instance(self) -> Instance: ...

    @property
    def shapes(self) -> Shapes: ...

    @property
    def scanner(self) -> Scanner: ...

    @property
    def answers(self) -> Answers: ...

    @property
    def stability(self) -> Stability: ...

    @property
    def plans(self) -> dict[tuple[object, ...], Plan]:
        """Plans of sessions without temporary objects, by all that they depend on; oldest first."""
        ...

    @property
    def catalog_state(self) -> object:
        """Differs when the rows of the catalog do."""
        ...

    @property
    def queue(self) -> FairQueue: ...

    @property
    def version(self) -> str: ...

    def dataset(self, schema: str, name: str) -> DatasetTable | None: ...

    def may_read(self, user: str, table: DatasetTable) -> bool: ...

    def has_schema(self, name: str) -> bool: ...

    def table_names(self) -> tuple[str, ...]: ...

    def catalog_relation(self, schema: str, name: str) -> tuple[str, str] | None: ...

    def relation_oid(self, schema: str, name: str) -> int:
        """Return the OID of a dataset, or of a relation of the catalog."""
        ...

    def catalog_column_oid(self, relation: str, column: str) -> int | None: ...

    def set_variables(
        self, cursor: duckdb.DuckDBPyConnection, database: str, user: str, search_path: tuple[str, ...]
    ) -> None:
        """Tell a connection whose session it serves; the catalog's macros ask for it."""
        ...

    def with_row_types(self, type_oids: Sequence[int]) -> tuple[int, ...]:
        """Return type OIDs with those of composite types as numbers that know their fields."""
        ...

    def note_row_types(self, row_types: Iterable[RowType]) -> None:
        """Let the catalog list composite types that a query has announced."""
        ...

    def prepare_catalog(self, checkpoint: Checkpoint) -> None:
        """Bring the catalog's tables up to date, before a statement reads them."""
        ...

    def prepare_own_catalog(self) -> None:
        """Make the views that show a session's own rows of the catalog, if they are not there."""
        ...

    @property
    def macros(self) -> dict[str, tuple[str, ...]]: ...

    @property
    def table_macros(self) -> dict[str, tuple[str, ...]]: ...
