"""From a remote key to the name of its cached copy, and back.

Pure. The copy of `s3://bucket/a/b.csv` lies at `data/s3/bucket/a/b.csv`: ordinary names stay exactly themselves. What
cannot be a file name becomes a component that starts with `%~`, followed by the percent-encoded name; an ordinary name
that starts with `%~` is encoded too, so no two keys share a path:

| component                        | becomes                                                |
|----------------------------------|--------------------------------------------------------|
| empty, `.`, `..`                 | `%~`, `%~%2E`, `%~%2E%2E`                              |
| with a control character (or `/`) | `%~` and the name, each such character percent-encoded |
| longer than 255 bytes            | `%~=` and its SHA-256; the index keeps the key         |
| the file where a folder is, too  | `%~+` and the name (`a` when `a/b` is cached as well)  |

A path that would pass the kernel's 4,096 bytes keeps its namespace and becomes `%~=` and the SHA-256 of the key.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

__all__ = ["FileNameCacheMapper"]

_MARK = "%~"
_NAME_BYTES = 255
_PATH_BYTES = 4096
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/]")
_ENCODED = re.compile(r"[\x00-\x1f\x7f/%]")


class FileNameCacheMapper:
    """Map (namespace, key) of a storage to a path below `cache_root`.

    Args:
        cache_root: absolute path of the cache.
        preserve_structure: False flattens every key into one hashed name per object, for disks that cannot hold the
            structure (a case-insensitive one, or one with very short paths).
    """

    def __init__(self, cache_root: str, *, preserve_structure: bool = True) -> None:
        self.cache_root = cache_root.rstrip("/") or "/"
        self.preserve_structure = preserve_structure

    def relative_path(self, namespace: Sequence[str], key: str, *, beside_directory: bool = False) -> str:
        """Return the path of a complete copy relative to the cache root. Never leaves the root.

        Args:
            beside_directory: the name for a file whose own path is taken by a folder.
        """
        parts = [_component(part) for part in namespace]
        if not self.preserve_structure:
            return "/".join(["data", *parts, _hashed(key)])
        names = key.split("/")
        below = [_component(name) for name in names]
        if beside_directory:
            below[-1] = _fit(f"{_MARK}+{_encode(names[-1])}", names[-1])
        path = "/".join(["data", *parts, *below])
        if len(os.fsencode(f"{self.cache_root}/{path}")) >= _PATH_BYTES:
            return "/".join(["data", *parts, _hashed(key)])
        return path

    def key_of(self, namespace: Sequence[str], relative_path: str) -> str | None:
        """Return the key whose copy lies at `relative_path`, or None where only the index knows (a hashed name)."""
        parts = relative_path.split("/")
        prefix = ["data", *(_component(part) for part in namespace)]
        if parts[: len(prefix)] != prefix or len(parts) == len(prefix):
            raise ValueError(f"{relative_path!r} is not below {'/'.join(prefix)!r}")
        names = [_decode(part) for part in parts[len(prefix) :]]
        known = [name for name in names if name is not None]
        return "/".join(known) if len(known) == len(names) else None


def _component(name: str) -> str:
    if name in {"", ".", ".."} or name.startswith(_MARK) or _UNSAFE.search(name):
        return _fit(_MARK + _encode(name), name)
    return _fit(name, name)


def _encode(name: str) -> str:
    if name in {".", ".."}:
        return name.replace(".", "%2E")
    encoded = _ENCODED.sub(lambda match: f"%{ord(match.group()):02X}", name)
    if encoded[:1] in {"=", "+"}:  # these two mark the other forms
        return f"%{ord(encoded[0]):02X}{encoded[1:]}"
    return encoded


def _decode(component: str) -> str | None:
    if not component.startswith(_MARK):
        return component
    body = component[len(_MARK) :]
    if body.startswith("="):
        return None
    return os.fsdecode(unquote_to_bytes(os.fsencode(body.removeprefix("+"))))


def _fit(component: str, name: str) -> str:
    return component if len(os.fsencode(component)) <= _NAME_BYTES else _hashed(name)


def _hashed(text: str) -> str:
    return f"{_MARK}={hashlib.sha256(os.fsencode(text)).hexdigest()}"
