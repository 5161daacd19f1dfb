"""The listing of an S3 folder in which obstore cannot name a key: by s3fs, page by page, without such keys.

One key with a control character, or an empty, `.` or `..` component, makes obstore refuse the whole answer. Slower than
obstore (s3fs builds each entry in Python), and used for no other folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_lib.storage_options.aws import AwsStorageOptions

__all__ = ["NameableLister", "Page", "nameable_lister"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some children of a folder, and the keys among them that cannot be named."""

    entries: list[Entry]
    unnameable: list[str]


NameableLister = Callable[[str], Iterator[Page]]
"""Yields the pages of the folder at a key. Raises ImportError where s3fs is not installed."""


def nameable_lister(options: AwsStorageOptions, bucket: str, root: str) -> NameableLister:
    """Return what lists folders below `root` of a bucket. Makes no request."""

    def pages(key: str) -> Iterator[Page]:
        import s3fs

        fs = s3fs.S3FileSystem(**options.to_fsspec_kwargs(), use_listings_cache=False)
        base = f"{root.strip('/')}/" if root.strip("/") else ""
        prefix = f"{base}{key}/" if key else base
        request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"}
        while True:
            answer = fs.call_s3("list_objects_v2", **request)
            yield _page(answer, base, prefix)
            if not answer.get("IsTruncated"):
                return
            request["ContinuationToken"] = answer["NextContinuationToken"]

    return pages


def _page(answer: dict[str, Any], base: str, prefix: str) -> Page:
    page = Page([], [])
    for found in answer.get("CommonPrefixes", ()):
        path = found["Prefix"]
        if _is_nameable(path[len(prefix) : -1]):
            page.entries.append(DirectoryInfo(path[len(base) : -1]))
        else:
            page.unnameable.append(path)
    for found in answer.get("Contents", ()):
        path = found["Key"]
        if path == prefix:
            continue  # the marker object of the folder itself
        if _is_nameable(path[len(prefix) :]):
            modified_ns = int(found["LastModified"].timestamp()) * 1_000_000_000
            page.entries.append(ObjectInfo(path[len(base) :], found["Size"], modified_ns, found["ETag"]))
        else:
            page.unnameable.append(path)
    return page


def _is_nameable(name: str) -> bool:
    return name not in {"", ".", ".."} and not any(character < " " or character == "\x7f" for character in name)
