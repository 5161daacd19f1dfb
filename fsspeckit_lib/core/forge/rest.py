"""What both REST clients share: one pool, JSON requests, a bounded number of requests at once."""

from __future__ import annotations

import base64
import datetime
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fsspeckit_lib.core.forge.http import Answer, ForgeHttp, HttpConfig
from fsspeckit_lib.core.forge.ports import blob_id_of
from fsspeckit_lib.errors import Corrupt
from fsspeckit_lib.storage_options.repositories import RepositoryOptions, RepositoryPlace

__all__ = ["AT_ONCE", "RestClient", "basic_auth", "batches", "nanoseconds", "run_bounded"]

AT_ONCE = 8
"""Requests under way at once for one listing: as many as the pool has connections."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class RestClient:
    """JSON requests about one repository."""

    def __init__(
        self,
        options: RepositoryOptions,
        place: RepositoryPlace,
        *,
        base_url: str,
        token_headers: Mapping[str, str],
        extra_headers: Mapping[str, str],
    ) -> None:
        self.place = place
        self.shown = place.prefix(options.protocol)
        self._http = ForgeHttp(
            HttpConfig(
                name=self.shown,
                base_url=base_url,
                headers={**extra_headers, **token_headers},
                has_token=bool(token_headers),
                timeout_s=options.timeout_s,
                connect_timeout_s=options.connect_timeout_s,
                max_retries=options.max_retries,
                ca_certificate=os.path.expanduser(options.ca_certificate) if options.ca_certificate else None,
                allow_invalid_certificates=options.allow_invalid_certificates,
                connections=AT_ONCE,
            )
        )

    @property
    def http(self) -> ForgeHttp:
        """The connection pool."""
        return self._http

    def get(self, url: str, who: str, *, accept: tuple[int, ...] = (), **headers: str) -> Answer:
        """GET an address of the API; header names are given with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.request("GET", url, who, headers=sent, accept=accept)

    def send(
        self, method: str, url: str, who: str, document: Any, *, changes: bool, accept: tuple[int, ...] = ()
    ) -> Answer:
        """Send a JSON document. `changes` as `ForgeHttp.request`."""
        return self._http.request(
            method,
            url,
            who,
            headers={"Content-Type": "application/json"},
            body=json.dumps(document).encode(),
            changes=changes,
            accept=accept,
        )

    def raw_blob(self, blob_id: str, url: str, headers: Mapping[str, str]) -> bytes:
        """Return a blob, proved by its id.

        Raises:
            Corrupt: other bytes came.
        """
        data = self._http.request("GET", url, self.shown, headers=headers).body
        if blob_id_of(data, blob_id) != blob_id:
            raise Corrupt(f"{self.shown}: {len(data)} bytes came that are not blob {blob_id}; they are dropped")
        return data

    def mapping(self, answer: Answer, who: str) -> Mapping[str, Any]:
        """Return an answer's JSON object.

        Raises:
            Corrupt: it is no object.
        """
        found = answer.json()
        if not isinstance(found, Mapping):
            raise Corrupt(f"{who}: found JSON that is no object, wanted the forge's REST API; check base_url")
        return found

    def rows(self, answer: Answer, who: str) -> Sequence[Mapping[str, Any]]:
        """Return an answer's JSON array of objects."""
        found = answer.json()
        if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
            raise Corrupt(f"{who}: found JSON that is no list, wanted the forge's REST API; check base_url")
        return found


def run_bounded(function: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """Return `function` of each item, in order, a few at once; the first error ends it."""
    if len(items) <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(AT_ONCE, len(items)), thread_name_prefix="forge") as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def batches(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    """Return the items in runs of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def basic_auth(user: str, password: str) -> dict[str, str]:
    """Return the header of HTTP Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def nanoseconds(text: object) -> int:
    """Return an ISO 8601 time as nanoseconds since the epoch; 0 where it is none."""
    try:
        moment = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return 0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return int(aware.timestamp()) * 1_000_000_000
