"""From a plan and the files of the moment to SQL that DuckDB can run: prune, fetch, name the files.

Everything a query needs from the storage is fetched here, before DuckDB starts; only files too large to fetch whole are
read while it runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from postgast import pg_query_pb2 as pb

from fsspeckit_lib.datasets import Manifest, Pruning, no_checkpoint
from fsspeckit_lib.sql import bind, may_match_nulls, parse_where
from fsspeckit_lib.sql.bind import AllOf, BoundPredicate
from fsspeckit_lib.sql.literals import Fold, constant_of
from fsspeckit_lib.sql.predicates import Anything
from fsspeckit_sqlserver.deparsing import deparse
from fsspeckit_sqlserver.engine.compiler import Plan
from fsspeckit_sqlserver.engine.decoded import DECODED_SCHEMA, DecodedFiles, DecodedLease
from fsspeckit_sqlserver.engine.explain import ScanReport
from fsspeckit_sqlserver.engine.leases import FileBudget, Lease, lease_files
from fsspeckit_sqlserver.engine.ranged_files import RangedFiles
from fsspeckit_sqlserver.engine.scans import Group, group_files, scan_select, table_select
from fsspeckit_sqlserver.engine.scopes import Reference
from fsspeckit_sqlserver.engine.shelf import Shelf
from fsspeckit_sqlserver.engine.tables import DatasetTable, Shape

__all__ = ["Prepared", "Scanner", "prune_reference"]


@dataclass(slots=True)
class Prepared:
    """A query with its files.

    Attributes:
        sql: for DuckDB.
        parameters: the client's and the lists of files, by name.
        leases: to be closed when it is done.
        reports: for EXPLAIN, one per dataset reference.
    """

    sql: str
    parameters: dict[str, object]
    leases: list[Lease | DecodedLease]
    reports: list[ScanReport]


def prune_reference(
    reference: Reference | None,
    manifest: Manifest,
    parameters: Sequence[object],
    *,
    zone_is_utc: bool,
    fold: Fold | None = None,
) -> tuple[Pruning, bool]:
    """Return the files one dataset reference has to read, and whether LIMIT left some out.

    Args:
        reference: what is known of it; None: nothing.
        manifest: of its dataset.
        parameters: values of `$1`, ….
        fold: evaluates constant expressions.
    """
    if reference is None:
        return manifest.everything(), False
    bound: list[BoundPredicate] = []
    for conjunct in reference.conjuncts:
        predicate = parse_where(conjunct.condition, conjunct.column_of, parameters, fold)
        part = bind(predicate, manifest.domains, zone_is_utc=zone_is_utc)
        if isinstance(part, Anything) or (conjunct.must_reject_nulls and may_match_nulls(part)):
            continue
        bound.append(part)
    pruning = manifest.everything()
    if bound:
        pruning = manifest.prune(bound[0] if len(bound) == 1 else AllOf(tuple(bound)))
    if reference.limit is None or reference.conjuncts:
        return pruning, False
    return _limited(reference.limit, manifest, pruning, parameters)


def _limited(
    limit: tuple[pb.Node, pb.Node | None], manifest: Manifest, pruning: Pruning, parameters: Sequence[object]
) -> tuple[Pruning, bool]:
    wanted = 0
    for node in limit:
        literal = None if node is None else constant_of(node, parameters)
        if node is None:
            continue
        if literal is None or not isinstance(literal.value, int) or literal.value < 0:
            return pruning, False
        wanted += literal.value
    kept: list[int] = []
    rows = 0
    for place in pruning.files:
        if rows >= wanted:
            break
        kept.append(place)
        rows += manifest.files[place].rows
    shorter = Pruning(tuple(kept), pruning.total, pruning.by_partition, pruning.by_statistics)
    return shorter, len(kept) < len(pruning.files)


class Scanner:
    """Prepares queries. One per engine; thread-safe."""

    def __init__(
        self,
        shelf: Shelf,
        ranged: RangedFiles,
        decoded: DecodedFiles,
        budget: FileBudget,
        executor: Executor,
        whole_file_bytes: int,
    ) -> None:
        """Begin."""
        self.shelf, self._decoded = shelf, decoded
        self._ranged, self._budget, self._executor = ranged, budget, executor
        self._whole_file_bytes = whole_file_bytes

    def lease(
        self,
        table: DatasetTable,
        manifest: Manifest,
        places: Sequence[int],
        checkpoint: Callable[[], None],
        *,
        is_ranged_preferred: bool = False,
    ) -> Lease:
        """Make some files of a manifest readable for DuckDB."""
        files = [manifest.files[place] for place in places]
        lease = lease_files(
            files,
            table.files,
            shelf=self.shelf,
            ranged=self._ranged,
            budget=self._budget,
            executor=self._executor,
            checkpoint=checkpoint,
            whole_file_bytes=self._whole_file_bytes,
            is_ranged_preferred=is_ranged_preferred,
        )
        lease.url, lease.files = table.dataset.store.url, files
        return lease

    def _look_up(
        self, plan: Plan, table: DatasetTable, manifest: Manifest, shape: Shape, groups: Mapping[Group, Sequence[int]]
    ) -> DecodedLease | None:
        """Return the table of the one file in which a row is looked up, if it is decoded; else count the look-up."""
        if not plan.is_lookup or plan.uses_temp or len(groups) != 1:
            return None
        ((group, places),) = groups.items()
        if len(places) != 1:
            return None
        file = manifest.files[places[0]]
        key = (table.files, file.info.key, file.info.version, file.partition_values, shape.relation, group)

        def source() -> tuple[str, Lease]:
            select = scan_select([(group, 1)], shape, bool(manifest.partition_names))
            return deparse("select_stmt", select), self.lease(table, manifest, places, no_checkpoint)

        found = self._decoded.find(key, file)
        if found is not None:
            table.files.count_use(file.info)
        else:
            self._decoded.count(key, file, len(shape.columns), source)
        return found

    def prepare(
        self,
        plan: Plan,
        manifests: Sequence[Manifest],
        parameters: Sequence[object],
        checkpoint: Callable[[], None],
        *,
        zone_is_utc: bool,
        now: dt.datetime,
        fold: Fold,
    ) -> Prepared:
        """Return a query with its files fetched and held.

        Args:
            manifests: of each dataset reference, whose shapes are the plan's.
            now: the statement's time.
            fold: evaluates constant expressions, with the same time.

        Raises:
            CacheStale, FileGone: a file is not what its manifest says.
            AccessDenied, Unavailable, ResourceExhausted, Cancelled.
        """
        named: dict[str, object] = {str(number): parameters[number - 1] for number in plan.used_parameters}
        if plan.uses_now:
            named[plan.now_name] = now
        next_number = plan.parameters + 2
        leases: list[Lease | DecodedLease] = []
        reports: list[ScanReport] = []
        scans: list[tuple[Hashable, Callable[[], pb.SelectStmt]]] = []
        try:
            for place, (table, manifest, shape) in enumerate(zip(plan.tables, manifests, plan.shapes, strict=True)):
                pruning, is_limited = prune_reference(
                    plan.references.get(place), manifest, parameters, zone_is_utc=zone_is_utc, fold=fold
                )
                groups = group_files(manifest, shape, pruning.files)
                numbered: list[tuple[Group, int]] = []
                read_bytes = 0
                decoded = self._look_up(plan, table, manifest, shape, groups)
                if decoded is not None:
                    leases.append(decoded)
                    read_bytes, groups = decoded.read_bytes, {}
                    scans.append((decoded.name, partial(table_select, DECODED_SCHEMA, decoded.name)))
                for group, places in groups.items():
                    lease = self.lease(table, manifest, places, checkpoint, is_ranged_preferred=plan.reads_no_column)
                    leases.append(lease)
                    read_bytes += lease.read_bytes
                    named[str(next_number)] = lease.paths
                    numbered.append((group, next_number))
                    next_number += 1
                if decoded is None:
                    is_hive = bool(manifest.partition_names)
                    scans.append((tuple(groups), partial(scan_select, numbered, shape, is_hive)))
                files = [manifest.files[kept].info.key for kept in pruning.files]
                reports.append(
                    ScanReport(table.full_name, table.dataset.store.url, pruning, files, read_bytes, is_limited)
                )
            sql = plan.sql(tuple(key for key, _ in scans), lambda: [select() for _, select in scans])
            return Prepared(sql, named, leases, reports)
        except BaseException:
            for held in leases:
                held.close()
            raise
