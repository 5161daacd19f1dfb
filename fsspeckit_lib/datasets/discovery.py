"""Which files make up a dataset: the parquet files below a folder."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Sequence

from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.errors import NotFound

__all__ = ["discover_files", "is_data_file", "require_files"]

_logger = logging.getLogger(__name__)
_SUFFIXES = (".parquet", ".parq", ".pq")
_TABLE_FORMATS = {"_delta_log": "Delta Lake", "_hoodie": "Hudi", ".hoodie": "Hudi"}


def is_data_file(key: str) -> bool:
    """Return whether a key names a parquet file that readers should see.

    Names that start with `_` or `.` are not data by the custom of Hadoop (`_SUCCESS`, `_delta_log/`, `.tmp`), except
    for a partition folder such as `_kind=a`.
    """
    if not key.lower().endswith(_SUFFIXES):
        return False
    return not any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in key.split("/"))


def discover_files(store: ObjectStore, prefix: str = "") -> list[ObjectInfo]:
    """Return the dataset's files in order of their keys. One recursive listing.

    An empty object is left out only where it marks a folder: other keys begin with its own and a slash. Any other is a
    file whose writing failed, and reading it says so: leaving it out would make counts too low without a word.
    """
    files: list[ObjectInfo] = []
    formats: set[str] = set()
    for page in store.list_recursive(prefix):
        for info in page:
            if is_data_file(info.key):
                files.append(info)
            elif "_" in info.key or ".hoodie" in info.key:
                formats.update(_TABLE_FORMATS[part] for part in info.key.split("/") if part in _TABLE_FORMATS)
    for name in sorted(formats):
        _logger.warning("%s is a %s table; its log is not read, all of its parquet files are", store.url, name)
    files.sort(key=lambda info: info.key)
    return [info for info in files if info.size_bytes or not _is_marker(info.key, files)]


def _is_marker(key: str, files: Sequence[ObjectInfo]) -> bool:
    """Tell whether some key of the files, which are in order, begins with this one and a slash."""
    after = bisect_left(files, f"{key}/", key=lambda info: info.key)
    return after < len(files) and files[after].key.startswith(f"{key}/")


def require_files(store: ObjectStore, name: str) -> list[ObjectInfo]:
    """Return the dataset's files.

    Raises:
        NotFound: there is no parquet file; says what lies there instead.
    """
    files = discover_files(store)
    if files:
        return files
    seen = 0
    sample: list[str] = []
    for page in store.list_recursive(""):
        seen += len(page)
        sample.extend(info.key for info in page[: 3 - len(sample)])
    found = f"{seen} other files ({', '.join(sample)}{', …' if seen > len(sample) else ''})" if seen else "nothing"
    raise NotFound(
        f"table {name}: {store.url} holds {found}, one *.parquet file at least was wanted; "
        "check the URL, or write the dataset first"
    )
