"""From a remote path to the name of its cached copy, and back.

Pure. The copy of `s3://bucket/a/b.csv` lies at `data/s3/bucket/a/b.csv`: ordinary names stay exactly themselves. What
cannot be a file name becomes a component that starts with `%~`, followed by the percent-encoded name; an ordinary name
that starts with `%~` is encoded too, so no two remote paths share a cache path:

| component                         | becomes                                                          |
|-----------------------------------|------------------------------------------------------------------|
| empty, `.`, `..`                  | `%~`, `%~%2E`, `%~%2E%2E`                                        |
| with a control character (or `/`) | `%~` and the name, each such character percent-encoded           |
| longer than 255 bytes             | folders `%~-` and a piece of it, at last `%~_` and the rest      |
| the file where a folder is, too   | `%~+` and the name (`a` when `a/b` is cached as well)            |
| upper case or not ASCII, on a disk that ignores case | `%~` and the name, each such byte percent-encoded |

A path that would pass the kernel's 4,096 bytes becomes `%~=` and its SHA-256 below the first components; it is the one
form that does not lead back by itself: the index keeps the key. Bytes that are no UTF-8 stay those bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence

from fsspeckit_lib.errors import InvalidValue

__all__ = ["FileNameCacheMapper"]

_MARK = "%~"
_NAME_BYTES = 255
_PATH_BYTES = 4096
_SUFFIX_BYTES = 64  # names beside a copy: `.map`, temporary ones
_LONE = "\ud800-\udc7f\udd00-\udfff"  # surrogates that stand for no byte: no file name can hold them
_UNSAFE = re.compile(f"[\x00-\x1f\x7f/{_LONE}]")
_ENCODED = re.compile(f"[\x00-\x1f\x7f/%{_LONE}]")
_UNSAFE_FOLDED = re.compile("[^\x20-.0-@\\[-~]")  # also upper case and whatever is not ASCII
_ENCODED_FOLDED = re.compile("[^\x20-$&-.0-@\\[-~]")
_ESCAPE = re.compile(rb"%u([0-9A-Fa-f]{4})|%([0-9A-Fa-f]{2})")
_FORMS = "=+-_"
"""First letters after the mark that say which form it is."""


class FileNameCacheMapper:
    """Map remote paths to paths below `cache_root`, and back.

    A remote path is what fsspec calls one, with the storage before it: `s3/bucket/a/b.csv`. Calling the mapper is
    `relative_path` of such a text, as fsspec's own cache mappers are called.

    Args:
        cache_root: absolute path of the cache.
        preserve_structure: False gives every remote path one hashed name, for disks that cannot hold the structure.
        max_size_gb: for `MonitoredSimpleCacheFileSystem`: most gigabytes (1024³) of cached copies.
        ignores_case: the disk takes `A` and `a` for one name: what differs by case is escaped.

    Raises:
        InvalidValue: `max_size_gb` is not above 0.
    """

    def __init__(
        self,
        cache_root: str,
        preserve_structure: bool = True,
        max_size_gb: float | None = None,
        *,
        ignores_case: bool = False,
    ) -> None:
        if max_size_gb is not None and not max_size_gb > 0:
            raise InvalidValue(f"max_size_gb: found {max_size_gb!r}, wanted more than 0, or None for the default")
        self.cache_root = cache_root.rstrip("/") or "/"
        self.preserve_structure = preserve_structure
        self.max_size_gb = max_size_gb
        self.ignores_case = ignores_case
        self._unsafe = _UNSAFE_FOLDED if ignores_case else _UNSAFE
        self._encoded = _ENCODED_FOLDED if ignores_case else _ENCODED
        self._last_folder: tuple[tuple[str, ...], str | None, str] = ((), None, "data")
        self._room_bytes = _PATH_BYTES - _SUFFIX_BYTES - len(os.fsencode(self.cache_root))

    def __call__(self, remote_path: str) -> str:
        """Return the path of a complete copy relative to the cache root."""
        return self.relative_path((), remote_path)

    def cache_path(self, remote_path: str) -> str:
        """Return where the complete copy of a remote path lies: absolute, below the root whatever the path says."""
        return f"{self.cache_root.rstrip('/')}/{self.relative_path((), remote_path)}"

    def remote_path(self, cache_path: str) -> str | None:
        """Return the remote path whose copy lies at an absolute path; None where only the index knows (a hash).

        Raises:
            ValueError: the path is not one of this cache's copies.
        """
        prefix = f"{self.cache_root.rstrip('/')}/"
        if not cache_path.startswith(prefix):
            raise ValueError(f"{cache_path!r} is not below {self.cache_root!r}")
        return self.key_of((), cache_path.removeprefix(prefix))

    def relative_path(self, namespace: Sequence[str], key: str, *, beside_directory: bool = False) -> str:
        """Return the path of a complete copy relative to the cache root. Never leaves the root.

        Args:
            beside_directory: the name for a file whose own path is taken by a folder.
        """
        if self.preserve_structure:
            folder, _, last = key.rpartition("/")
            name = self._long(f"{_MARK}+{self._encode(last)}") if beside_directory else self._component(last)
            above = self._folder(tuple(namespace), folder if "/" in key else None)
            path = f"{above}/{name}"
            if len(os.fsencode(path)) < self._room_bytes:
                return path
        remote = [*namespace, *key.split("/")]
        whole = "/".join(remote)
        first = self._component(remote[0]) if len(remote) > 1 else ""
        if len(os.fsencode(first)) > _NAME_BYTES:
            first = ""
        return "/".join(["data", *([first] if first else []), _hashed(whole)])

    def key_of(self, namespace: Sequence[str], relative_path: str) -> str | None:
        """Return the key whose copy lies at `relative_path`, or None where only the index knows (a hashed name).

        Raises:
            ValueError: it is not below the namespace, or no path that this mapper makes.
        """
        first, *parts = relative_path.split("/")
        if first != "data" or not parts:
            raise ValueError(f"{relative_path!r} is not below 'data'")
        names: list[str] = []
        pieces: list[str] = []
        for part in parts:
            if part.startswith(f"{_MARK}-"):
                pieces.append(part[3:])
            elif part.startswith(f"{_MARK}_"):
                names.append(_decode("".join([*pieces, part[3:]])))
                pieces = []
            elif part.startswith(f"{_MARK}="):
                return None
            else:
                names.append(_decode(part))
        depth = len(namespace)
        if pieces or names[:depth] != list(namespace) or len(names) == depth:
            raise ValueError(f"{relative_path!r} is no copy below {'/'.join(namespace)!r}")
        return "/".join(names[depth:])

    def _folder(self, namespace: tuple[str, ...], folder: str | None) -> str:
        """Return the folder of the copies in a remote folder (None: the root). The last one asked for is remembered."""
        asked_namespace, asked, known = self._last_folder
        if asked != folder or asked_namespace != namespace:
            names = [*namespace, *(folder.split("/") if folder is not None else ())]
            known = "/".join(["data", *map(self._component, names)])
            self._last_folder = (namespace, folder, known)
        return known

    def _component(self, name: str) -> str:
        if name in {"", ".", ".."} or name.startswith(_MARK) or self._unsafe.search(name):
            return self._long(_MARK + self._encode(name))
        return self._long(name)

    def _encode(self, name: str) -> str:
        if name in {".", ".."}:
            return name.replace(".", "%2E")
        encoded = self._encoded.sub(_escaped, name)
        return f"%{ord(encoded[0]):02X}{encoded[1:]}" if encoded[:1] in _FORMS and encoded else encoded

    def _long(self, component: str) -> str:
        """Return a component that a file system takes: itself, or cut into several."""
        if len(component) <= _NAME_BYTES // 4:  # no character takes more than four bytes
            return component
        raw = os.fsencode(component)
        if len(raw) <= _NAME_BYTES:
            return component
        most = _NAME_BYTES - len(_MARK) - 1
        pieces = [os.fsdecode(raw[start : start + most]) for start in range(0, len(raw), most)]
        return "/".join([*(f"{_MARK}-{piece}" for piece in pieces[:-1]), f"{_MARK}_{pieces[-1]}"])


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if "\ud800" <= character <= "\udfff" and not "\udc80" <= character <= "\udcff":
        return f"%u{ord(character):04X}"
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogateescape"))


def _decode(component: str) -> str:
    if not component.startswith(_MARK):
        return component
    body = os.fsencode(component[len(_MARK) :].removeprefix("+"))
    decoded: list[str] = []
    pending = bytearray()
    position = 0
    for match in _ESCAPE.finditer(body):
        pending += body[position : match.start()]
        position = match.end()
        if match.group(1):
            decoded += [os.fsdecode(bytes(pending)), chr(int(match.group(1), 16))]
            pending.clear()
        else:
            pending.append(int(match.group(2), 16))
    pending += body[position:]
    return "".join([*decoded, os.fsdecode(bytes(pending))])


def _hashed(text: str) -> str:
    return f"{_MARK}={hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
