"""What obstore says of objects, as `ObjectInfo`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from arro3.core import DataType

from fsspeckit_lib.core.objects import ObjectInfo

if TYPE_CHECKING:
    from obstore import ObjectMeta

__all__ = ["info_of", "infos_of", "may_be_md5", "quoted"]

_MICROSECONDS = DataType.timestamp("us", tz="UTC")
_MD5 = re.compile('"[0-9a-f]{32}"')
_MD5_BYTES = 32 << 10  # 50 us of MD5, which is what the shorter way saves


def infos_of(batch: Any) -> Iterator[ObjectInfo]:
    """Return the objects of one Arrow batch of a listing."""
    keys, sizes, etags = (batch.column(name).to_pylist() for name in ("path", "size", "e_tag"))
    modified_us = batch.column("last_modified").cast(_MICROSECONDS).cast(DataType.int64()).to_pylist()
    return (
        ObjectInfo(key, size, us // 1_000_000 * 1_000_000_000, etag if etag and etag[0] == '"' else quoted(etag))
        for key, size, us, etag in zip(keys, sizes, modified_us, etags, strict=True)
    )


def info_of(key: str, meta: ObjectMeta) -> ObjectInfo:
    return ObjectInfo(key, meta["size"], _whole_seconds_ns(meta["last_modified"]), quoted(meta["e_tag"]))


def quoted(etag: str | None) -> str | None:
    """Return an ETag as a header has it. Azure's and GCS's listings leave the quotes out."""
    return f'"{etag}"' if etag and not etag.startswith(('"', "W/")) else etag


def _whole_seconds_ns(modified: datetime.datetime) -> int:
    # LIST may give milliseconds where HEAD's header cannot, and both must describe one version alike
    return int(modified.timestamp()) * 1_000_000_000


def may_be_md5(info: ObjectInfo) -> bool:
    """Tell whether the ETag can be the MD5 of the bytes, as that of an object of one PUT is, and is soon computed."""
    return 0 < info.size_bytes <= _MD5_BYTES and info.etag is not None and _MD5.fullmatch(info.etag) is not None
