"""Footers on disk, so that a server that starts again reads those of new files only.

One Arrow IPC file a dataset: a row per file, its statistics in lists with an element per row group. A footer is used
for just the file whose key, size and version (ETag) the fresh listing shows: what is kept may be old, never wrong.

    FOLDER/<dataset>-<checksum>.arrow    both halves BLAKE2b: of the storage's namespace, and of the file's bytes

The checksum is part of the name and the name is given by rename(2): a torn or edited file does not match and is
removed, as is one of another format. Losing all of it costs one reading of the footers. Processes may share a folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.ipc

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.datasets.footers import ChunkBounds, FileColumn, FileSchema, Footer, SchemaPool
from fsspeckit_lib.sql import Domain, Kind

__all__ = ["FORMAT", "KeptFooters"]

FORMAT: Final = "fsspeckit-footers 1"
_MAX_AGE_S: Final = 30 * 86_400  # of a dataset that nobody opens any more
_SUFFIX: Final = ".arrow"

_UNREADABLE: Final = (OSError, pa.ArrowException, ValueError, KeyError, TypeError, IndexError)
"""What reading a file may raise that is none of ours."""

_logger = logging.getLogger(__name__)

_Place: TypeAlias = tuple[int, str, int]
"""Of statistics that fit into one array: the column's number, kind and scale."""


class KeptFooters:
    """The file of one dataset."""

    def __init__(self, folder: str, namespace: Sequence[str]) -> None:
        """Describe it; no I/O.

        Args:
            folder: made when something is kept.
            namespace: of the dataset's store: the same for the same files.
        """
        self._folder = folder
        self._dataset = hashlib.blake2b("\0".join(namespace).encode(), digest_size=16).hexdigest()

    def load(self, pool: SchemaPool) -> dict[tuple[str, str], Footer]:
        """Return the footers by key and version; none when there are none that can be read."""
        for path in self._paths():
            try:
                with open(path, "rb") as file:
                    data = file.read()
                if path != self._path_of(data):
                    raise ValueError("the checksum is another one")
                footers = _decode(data, pool)
                os.utime(path)
            except FileNotFoundError:
                continue  # another process wrote a newer one just now
            except _UNREADABLE as error:
                _logger.info("%s is not used: %s", path, error)
                _remove(path)
                continue
            return footers
        return {}

    def save(self, infos: Sequence[ObjectInfo], footers: Sequence[Footer]) -> None:
        """Keep the footers of a listing in place of what was kept. A disk that refuses is said to the log."""
        try:
            data = _encode(infos, footers)
            path = self._path_of(data)
            before = self._paths()
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            temporary = f"{path}.{os.getpid()}"
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
                with open(descriptor, "wb") as file:
                    file.write(data)
                os.rename(temporary, path)
            except BaseException:
                _remove(temporary)
                raise
            for other in before:
                if other != path:
                    _remove(other)
            self._sweep()
        except OSError as error:
            _logger.warning("footers are not kept, the next start reads them again: %s", error)

    def _path_of(self, data: bytes) -> str:
        checksum = hashlib.blake2b(data, digest_size=16).hexdigest()
        return os.path.join(self._folder, f"{self._dataset}-{checksum}{_SUFFIX}")

    def _paths(self) -> list[str]:
        """Return what is kept of this dataset, the newest first."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.startswith(f"{self._dataset}-") and entry.name.endswith(_SUFFIX):
                    with contextlib.suppress(FileNotFoundError):
                        found.append((entry.stat().st_mtime_ns, entry.path))
        return [path for _, path in sorted(found, reverse=True)]

    def _sweep(self) -> None:
        """Remove what no dataset has used for long, and what a process that was killed left half written."""
        oldest = time.time() - _MAX_AGE_S
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat().st_mtime < oldest:
                        _remove(entry.path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _encode(infos: Sequence[ObjectInfo], footers: Sequence[Footer]) -> bytes:
    """Return the file. Objects without ETag and time are left out: nothing would tell a new version from the old."""
    kept = [place for place, info in enumerate(infos) if info.etag or info.mtime_ns]
    schemas: dict[int, int] = {}
    known: list[FileSchema] = []
    places: dict[_Place, None] = {}
    numbers = []
    for place in kept:
        schema = footers[place].schema
        if id(schema) not in schemas:
            schemas[id(schema)] = len(known)
            known.append(schema)
            places.update((_place(schema, column), None) for column in range(len(schema.columns)))
        numbers.append(schemas[id(schema)])
    columns: dict[str, pa.Array] = {
        "key": pa.array([infos[place].key for place in kept], pa.string()),
        "version": pa.array([infos[place].version for place in kept], pa.string()),
        "schema": pa.array(numbers, pa.int32()),
        "rows": pa.array([footers[place].row_group_rows for place in kept], pa.list_(pa.int64())),
    }
    for column, kind, scale in places:
        chunks = [
            footers[place].statistics.get(column)
            if _place_or_none(footers[place].schema, column) == (column, kind, scale)
            else None
            for place in kept
        ]
        if not any(chunks):
            continue
        for part, arrow_type in enumerate((_tick_type(kind), _tick_type(kind), pa.int64())):
            lists = [None if chunk is None else [bounds[part] for bounds in chunk] for chunk in chunks]
            columns[f"{column} {kind} {scale} {part}"] = pa.array(lists, pa.list_(arrow_type))
    table = pa.table(columns).replace_schema_metadata(
        {"format": FORMAT, "schemas": json.dumps([_described(schema) for schema in known])}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _decode(data: bytes, pool: SchemaPool) -> dict[tuple[str, str], Footer]:
    """Return the footers of a file by key and version.

    Raises:
        ValueError: another format. pa.ArrowException, KeyError, TypeError: not a file of `_encode`'s.
    """
    table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
    metadata: Mapping[bytes, bytes] = table.schema.metadata or {}
    if metadata.get(b"format") != FORMAT.encode():
        raise ValueError(f"format {metadata.get(b'format')!r}, wanted {FORMAT!r}")
    schemas = [pool.intern(_schema_of(described)) for described in json.loads(metadata[b"schemas"])]
    places: dict[_Place, list[pa.ListArray]] = {}
    for name in table.column_names[4:]:
        column, kind, scale, _ = name.split(" ")
        places.setdefault((int(column), kind, int(scale)), []).append(table[name].combine_chunks())
    statistics = {place: _chunks(parts) for place, parts in places.items()}
    wanted = [
        [(place[0], *chunks) for place, chunks in statistics.items() if _place_or_none(schema, place[0]) == place]
        for schema in schemas
    ]
    found: dict[tuple[str, str], Footer] = {}
    listed = zip(*(table[name].to_pylist() for name in ("key", "version", "schema", "rows")), strict=True)
    for row, (key, version, number, rows) in enumerate(listed):
        bounds = {
            column: chunks[offsets[row] : offsets[row + 1]]
            for column, is_known, offsets, chunks in wanted[number]
            if is_known[row]
        }
        found[key, version] = Footer(schemas[number], tuple(rows), bounds)
    return found


def _chunks(parts: Sequence[pa.ListArray]) -> tuple[list[bool], list[int], list[ChunkBounds]]:
    """Return of one column which files have statistics, where each one's begin, and those of all row groups.

    Raises:
        ValueError: bounds and NULLs are of other row groups.
    """
    offsets = parts[0].offsets.to_pylist()
    if any(part.offsets.to_pylist() != offsets for part in parts):
        raise ValueError("bounds of other row groups")
    chunks: list[ChunkBounds] = list(zip(*(part.values.to_pylist() for part in parts), strict=True))
    return parts[0].is_valid().to_pylist(), offsets, chunks


def _place(schema: FileSchema, column: int) -> _Place:
    domain = schema.columns[column].domain
    return column, domain.kind.value, domain.scale


def _place_or_none(schema: FileSchema, column: int) -> _Place | None:
    return _place(schema, column) if column < len(schema.columns) else None


def _tick_type(kind: str) -> pa.DataType:
    domain = Domain(Kind(kind))
    return pa.float64() if domain.is_float else pa.binary() if domain.is_bytes else pa.int64()


def _described(schema: FileSchema) -> list[list[object]]:
    return [
        [column.name, column.sql_type, column.domain.kind.value, column.domain.scale, column.is_nested]
        for column in schema.columns
    ]


def _schema_of(described: Sequence[tuple[str, str, str, int, bool]]) -> FileSchema:
    return FileSchema(
        tuple(
            FileColumn(name, sql_type, Domain(Kind(kind), scale), is_nested)
            for name, sql_type, kind, scale, is_nested in described
        )
    )
