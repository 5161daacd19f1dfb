"""The temporary tables and views of one session: what there is, and what a ROLLBACK brings back. Values only.

Tables live in DuckDB, on the session's main connection; views are queries kept here and put in their place by
`resolve`, so that they see the files of the moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from postgast import pg_query_pb2 as pb

__all__ = ["Temporaries"]


@dataclass(slots=True)
class Temporaries:
    """Names of the temporary objects.

    Attributes:
        tables: name → folded column name → DuckDB type.
        views: name → query.
    """

    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    views: dict[str, pb.SelectStmt] = field(default_factory=dict)
    _before: tuple[dict[str, dict[str, str]], dict[str, pb.SelectStmt]] | None = None

    def begin(self) -> None:
        """Remember what there is."""
        self._before = dict(self.tables), dict(self.views)

    def commit(self) -> None:
        """Keep what there is."""
        self._before = None

    def rollback(self) -> None:
        """Go back to what there was."""
        if self._before is not None:
            self.tables, self.views = self._before
            self._before = None

    def lose_tables(self) -> None:
        """Forget the tables: the database that held them is gone."""
        self.tables.clear()
        if self._before is not None:
            self._before[0].clear()
