"""The OIDs of datasets, schemas, databases and users: they follow from their names. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["PUBLIC", "DatasetOids", "dataset_oids", "oid_of_name"]

PUBLIC: Final = 2200
_FIRST_USER_OID: Final = 100_000  # dataset OIDs come from a hash of their name, above what initdb ever assigns


def oid_of_name(kind: str, name: str, taken: set[int]) -> int:
    """Return the OID of a named object: the same in every process, unless two names collide."""
    oid = _FIRST_USER_OID + zlib.crc32(f"{kind}:{name}".encode()) % (2**31 - 2 * _FIRST_USER_OID)
    while oid in taken:
        oid += 1
    taken.add(oid)
    return oid


@dataclass(frozen=True, slots=True)
class DatasetOids:
    """The OIDs of schemas and tables, and all that are taken by them."""

    namespaces: dict[str, int]
    tables: dict[tuple[str, str], int]
    taken: set[int]


def dataset_oids(names: Iterable[tuple[str, str]]) -> DatasetOids:
    """Return the OIDs of datasets by schema and name, and of their schemas."""
    found = DatasetOids({"public": PUBLIC}, {}, set())
    for schema, name in sorted(names):
        if schema not in found.namespaces:
            found.namespaces[schema] = oid_of_name("schema", schema, found.taken)
        found.tables[schema, name] = oid_of_name("table", f"{schema}.{name}", found.taken)
    return found
