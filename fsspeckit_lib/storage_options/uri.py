"""URLs and paths of storages: which protocol, which bucket, which path inside.

Pure, but for asking fsspec which protocols it knows. `s3://bucket/a b/c` is taken literally: keys are not
percent-decoded, as no object storage tool does.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.common.secrets import mask_url
from fsspeckit_lib.errors import BadInput

__all__ = ["Location", "infer_protocol_from_uri", "is_known_protocol", "known_protocols", "parse_location"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://(.*)\Z", re.DOTALL)
_CANONICAL = {"s3a": "s3", "local": "file", "gs": "gcs", "abfs": "az", "abfss": "az", "adl": "az", "azure": "az"}
_BUCKETED = {"s3"}


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a storage.

    Attributes:
        protocol: canonical (`s3` for `s3a`, `file` for a bare path), lower-case.
        bucket: of S3; empty elsewhere.
        path: within the bucket, or what fsspec calls the path; no leading or trailing slash inside a bucket; absolute
            for `file`.
        text: what the user typed, secrets masked.
    """

    protocol: str
    bucket: str
    path: str
    text: str


def known_protocols() -> set[str]:
    """Return every scheme that can be typed: this library's aliases and fsspec's registry."""
    from fsspec.registry import known_implementations, registry

    return {*_CANONICAL, "s3", "file", *known_implementations, *registry}


def is_known_protocol(name: str) -> bool:
    """Tell whether `name` is a scheme, in upper or lower case."""
    return name.lower() in known_protocols()


def infer_protocol_from_uri(uri: str) -> str:
    """Return the canonical protocol of a URL or path: `s3a://b` → `s3`, `/tmp` → `file`.

    Raises:
        UnknownName: a scheme that nobody knows; names the nearest known one.
    """
    return parse_location(uri).protocol


def parse_location(text: str) -> Location:
    """Return the place that a URL or a path names.

    Raises:
        UnknownName: the scheme is not known.
        BadInput: empty, a NUL inside, or a bucketed scheme without a bucket.
    """
    shown = mask_url(text)
    if not text or "\0" in text:
        raise BadInput(f"storage: found {shown!r}, wanted a URL such as s3://bucket/prefix or a path")
    match = _SCHEME.match(text)
    if match is None:
        return Location("file", "", os.path.abspath(os.path.expanduser(text)), shown)
    scheme, rest = match.group(1).lower(), match.group(2)
    if scheme not in known_protocols():
        raise unknown_name(shown, "scheme", scheme, known_protocols())
    protocol = _CANONICAL.get(scheme, scheme)
    if protocol == "file":
        # file:///x is absolute; file://x is what people type for a relative path
        return Location("file", "", os.path.abspath(rest or "/"), shown)
    if protocol not in _BUCKETED:
        return Location(protocol, "", rest, shown)
    bucket, _, path = rest.partition("/")
    if not bucket:
        raise BadInput(f"{shown}: found no bucket, wanted {scheme}://BUCKET or {scheme}://BUCKET/PREFIX")
    return Location(protocol, bucket, "/".join(part for part in path.split("/") if part), shown)
