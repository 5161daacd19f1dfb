"""The bytes of blobs and LFS objects: ranges where the server gives them, whole and kept where it does not.

What is read whole is proved against its name: a blob's id is the hash of its bytes, an LFS object's oid is their
SHA-256. Everything is checked against the size that the tree or the pointer says.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fsspeckit_lib.core.forge.ports import Commit, Forge, blob_id_of
from fsspeckit_lib.core.forge.shelf import BlobShelf, Landing
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import (
    AccessDenied,
    CacheStale,
    Corrupt,
    NotFound,
    ShortRead,
    Unavailable,
    Unsupported,
)

__all__ = ["BlobReader"]

_LFS_JSON = "application/vnd.git-lfs+json"
_ETAG = re.compile(r"([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:-([0-9a-f]{64}))?\Z")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(?:\d+|\*)\Z")
_ACTION_S = 240.0
"""How long an LFS download address is used; the servers give ten minutes or more."""
_WHOLE_BYTES = 256 << 10
"""A file up to this size is always read whole: a second part then costs nothing."""


@dataclass(frozen=True, slots=True)
class _Action:
    url: str
    headers: Mapping[str, str] = field(repr=False)
    until: float


class BlobReader:
    """Reads versions of files by their ETags: `BLOB`, or `BLOB-OID` of an LFS file."""

    def __init__(
        self, forge: Forge, commit_now: Callable[[], Commit | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._forge = forge
        self._commit_now = commit_now
        self._clock = clock
        self._shelf = BlobShelf()
        self._lock = threading.Lock()
        self._actions: dict[str, _Action] = {}
        self._no_lfs_server = False
        self._ranges: dict[str, bool] = {}  # blobs, lfs → whether their server honours ranges
        self._asking = threading.Lock()  # the first part of all finds it out alone

    def read_range(self, info: ObjectInfo, path: str, who: str, start: int, stop: int) -> bytes:
        """Return bytes [start, stop) of a version.

        Raises:
            CacheStale: the repository does not have the version any more, or it is none of a repository.
            ShortRead, Corrupt: the server sent something else.
        """
        match = _ETAG.match(info.etag or "")
        if match is None:
            raise CacheStale(who, info.version, "a file of another storage")
        if not 0 <= start < stop <= info.size_bytes:
            raise ShortRead(who, start, stop - start, max(0, info.size_bytes - start))
        blob_id, oid = match.group(1), match.group(2)
        kept = self._shelf.get(oid or blob_id)
        if kept is None and (start, stop) == (0, info.size_bytes):
            return self._whole(blob_id, oid, info, path, who)
        if kept is None and info.size_bytes > _WHOLE_BYTES:
            data = self._part_if_honoured(blob_id, oid, info, path, who, start, stop)
            if data is not None:
                return data
        landing = self._shelf.get_or_load(oid or blob_id, lambda: self._land(blob_id, oid, info, path, who))
        data = landing.read(start, stop)
        if len(data) != stop - start:
            raise ShortRead(who, start, stop - start, len(data))
        return data

    def read_blob(self, blob_id: str, who: str) -> bytes:
        """Return a blob of unknown size, whole, proved by its id."""
        url, headers = self._forge.blob_request(blob_id)
        data = self._forge.http.request("GET", url, who, headers=headers).body
        if blob_id_of(data, blob_id) != blob_id:
            raise Corrupt(f"{who}: {len(data)} bytes came that are not blob {blob_id}; they are dropped; read again")
        return data

    def close(self) -> None:
        """Drop what was kept."""
        self._shelf.clear()

    def _whole(self, blob_id: str, oid: str | None, info: ObjectInfo, path: str, who: str) -> bytes:
        if oid is None and info.size_bytes <= _WHOLE_BYTES:
            try:
                data = self.read_blob(blob_id, who)
            except NotFound as error:
                raise CacheStale(who, info.version, "gone from the repository") from error
            if len(data) != info.size_bytes:
                raise ShortRead(who, 0, info.size_bytes, len(data))
            return data
        landing = self._land(blob_id, oid, info, path, who)
        return landing.read(0, info.size_bytes)

    def _part_if_honoured(
        self, blob_id: str, oid: str | None, info: ObjectInfo, path: str, who: str, start: int, stop: int
    ) -> bytes | None:
        """Return a range, or None where the server is known to send nothing but the whole."""
        host = "lfs" if oid is not None else "blobs"
        if host not in self._ranges:
            with self._asking:
                if host not in self._ranges:
                    return self._part(host, blob_id, oid, info, path, who, start, stop)
        return self._part(host, blob_id, oid, info, path, who, start, stop) if self._ranges[host] else None

    def _part(
        self, host: str, blob_id: str, oid: str | None, info: ObjectInfo, path: str, who: str, start: int, stop: int
    ) -> bytes | None:
        """Ask for a range; return it, or None where the server sent the whole, which then is on the shelf."""
        landing = Landing()
        wanted = {"Range": f"bytes={start}-{stop - 1}"}
        answer_is_part = self._download(blob_id, oid, info, path, who, landing, wanted, (start, stop))
        if answer_is_part:
            self._ranges[host] = True
            data = landing.read(0, stop - start)
            if len(data) != stop - start or landing.size_bytes != stop - start:
                raise ShortRead(who, start, stop - start, landing.size_bytes)
            return data
        self._prove(landing, blob_id, oid, info, who)
        self._shelf.get_or_load(oid or blob_id, lambda: landing)
        self._ranges[host] = False  # last: who sees it looks on the shelf
        return None

    def _land(self, blob_id: str, oid: str | None, info: ObjectInfo, path: str, who: str) -> Landing:
        landing = Landing()
        self._download(blob_id, oid, info, path, who, landing, {}, None)
        self._prove(landing, blob_id, oid, info, who)
        return landing

    def _prove(self, landing: Landing, blob_id: str, oid: str | None, info: ObjectInfo, who: str) -> None:
        if landing.size_bytes != info.size_bytes:
            raise ShortRead(who, 0, info.size_bytes, landing.size_bytes)
        if oid is not None or len(blob_id) == 64:
            digest = hashlib.sha256()
        else:
            digest = hashlib.sha1(usedforsecurity=False)
        if oid is None:
            digest.update(b"blob %d\0" % info.size_bytes)
        for at in range(0, info.size_bytes, 8 << 20):
            digest.update(landing.read(at, min(at + (8 << 20), info.size_bytes)))
        if digest.hexdigest() != (oid or blob_id):
            raise Corrupt(f"{who}: the bytes that came are not {oid or blob_id}; they are dropped; read again")

    def _download(
        self,
        blob_id: str,
        oid: str | None,
        info: ObjectInfo,
        path: str,
        who: str,
        landing: Landing,
        wanted: Mapping[str, str],
        span: tuple[int, int] | None,
    ) -> bool:
        """Bring the bytes to `landing`; return whether they are the part that was asked for, not the whole."""
        for attempt in (1, 2):
            url, headers, own_token = self._address(blob_id, oid, info, path, who)
            try:
                answer = self._forge.http.request(
                    "GET",
                    url,
                    who,
                    headers={**headers, **wanted},
                    own_token=own_token,
                    expected_bytes=span[1] - span[0] if span is not None else info.size_bytes,
                    sink=landing.write,
                    on_restart=landing.restart,
                )
            except (AccessDenied, NotFound) as error:
                if oid is None and isinstance(error, NotFound):
                    raise CacheStale(who, info.version, "gone from the repository") from error
                with self._lock:
                    had = self._actions.pop(oid or "", None)
                if attempt == 1 and had is not None:
                    continue  # the address was given earlier and has expired meanwhile
                raise
            if answer.status != 206:
                return False
            match = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
            if span is None or match is None or (int(match.group(1)), int(match.group(2)) + 1) != span:
                raise Corrupt(f"{who}: another part came than was asked for; it is dropped; read again")
            return True
        raise Unavailable(f"{who}: its download address expired twice; try again later")

    def _address(
        self, blob_id: str, oid: str | None, info: ObjectInfo, path: str, who: str
    ) -> tuple[str, Mapping[str, str], bool]:
        """Return the URL, its headers, and whether the configured token goes with it."""
        if oid is None:
            url, headers = self._forge.blob_request(blob_id)
            return url, headers, True
        if not self._no_lfs_server:
            try:
                action = self._lfs_action(oid, info.size_bytes, who)
                return action.url, action.headers, False
            except (AccessDenied, NotFound, Unsupported):
                commit = self._commit_now()
                if commit is None or self._forge.lfs_fallback(commit, path) is None:
                    raise
                self._no_lfs_server = True
        commit = self._commit_now()
        fallback = self._forge.lfs_fallback(commit, path) if commit is not None else None
        if fallback is None:
            raise CacheStale(who, info.version, "gone from the repository")
        return fallback[0], fallback[1], True  # of the present commit: another version fails its proof, never passes

    def _lfs_action(self, oid: str, size_bytes: int, who: str) -> _Action:
        """Ask the LFS server where to download an object. Source: the Git LFS specification, `docs/api/batch.md`."""
        with self._lock:
            known = self._actions.get(oid)
        if known is not None and self._clock() < known.until:
            return known
        server, auth = self._forge.lfs_request()
        answer = self._forge.http.request(
            "POST",
            f"{server}/objects/batch",
            who,
            headers={"Accept": _LFS_JSON, "Content-Type": _LFS_JSON, **auth},
            body=json.dumps(
                {"operation": "download", "transfers": ["basic"], "objects": [{"oid": oid, "size": size_bytes}]}
            ).encode(),
            own_token=False,
        )
        try:
            (entry,) = answer.json()["objects"]
            error: Mapping[str, Any] = entry.get("error") or {}
            download: Mapping[str, Any] = {} if error else entry["actions"]["download"]
        except (KeyError, TypeError, ValueError):
            raise Corrupt(f"{who}: found an answer that is none of an LFS server; check base_url") from None
        if error:
            words = f"{who}: the LFS server has no object {oid}: {error.get('message')} ({error.get('code')})"
            raise NotFound(words) if error.get("code") in {404, 410} else Unavailable(words)
        headers = {str(name): str(value) for name, value in (download.get("header") or {}).items()}
        if not headers and not entry.get("authenticated") and _same_origin(download["href"], server):
            headers = dict(auth)
        lifetime_s = min(_ACTION_S, float(download.get("expires_in") or _ACTION_S) / 2)
        action = _Action(str(download["href"]), headers, self._clock() + max(1.0, lifetime_s))
        with self._lock:
            if len(self._actions) > 10_000:
                self._actions.clear()
            self._actions[oid] = action
        return action


def _same_origin(one: str, other: str) -> bool:
    a, b = urlsplit(one), urlsplit(other)
    return (a.scheme, a.netloc.lower()) == (b.scheme, b.netloc.lower())
