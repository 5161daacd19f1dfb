"""The data plane on a plain web server: HEAD tells what is there, obstore fetches, folders' pages are read for links.

A web server has files and pages, no directories. What redirects to itself with a slash, or answers only with a slash,
is taken for a directory; its children are the links of its page that lead one step down (nginx, Apache, Python and
others make such pages). Read-only.

A file's version is its ETag, else its Last-Modified, with its size. A server that answers a range with the whole file
is served too, at the price of fetching it whole.
"""

from __future__ import annotations

import email.utils
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin, urlsplit

import urllib3
from typing_extensions import Buffer

from fsspeckit_lib.common.secrets import mask_url, shielded
from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.endpoints import Endpoint
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo, check_is_directory, objects_below
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.errors import (
    AccessDenied,
    CacheStale,
    IsADirectory,
    NotADirectory,
    NotFound,
    ShortRead,
    Unavailable,
    Unsupported,
)

if TYPE_CHECKING:
    from fsspeckit_lib.storage_options.http import HttpStorageOptions

__all__ = ["HttpObjects"]

_HEADS_AT_ONCE = 16
_REDIRECTS = 5
_KEPT_BYTES = 64 << 20
_KEPT_HEADERS = ("authorization", "cookie")
"""Never sent to another host than the one they were given for."""


class HttpObjects:
    """An `ObjectStore` on what lies below a URL."""

    def __init__(self, url: str, options: HttpStorageOptions, shown: str, endpoint: Endpoint) -> None:
        self._root = url.rstrip("/")
        self._url = shown.rstrip("/")
        self._endpoint = endpoint
        self._headers = options.request_headers()
        self._pool = _pool(options)
        parts = urlsplit(self._root)
        self._namespace = (
            f"{parts.scheme}-{parts.netloc.replace(':', '-')}",
            *(unquote(part) for part in parts.path.split("/") if part),
        )
        self._objects = ObstoreObjects(options.to_obstore(self._root), self._url, self._namespace, endpoint)
        self._fsspec_kwargs = options.to_fsspec_kwargs()
        self._kept: tuple[str, str, bytes] | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The root as a user types it."""
        return self._url

    @property
    def namespace(self) -> tuple[str, ...]:
        """`http-HOST-PORT` or `https-HOST`, and the components of the path."""
        return self._namespace

    @property
    def is_immutable(self) -> bool:
        """False: files may be replaced at any time."""
        return False

    def check(self) -> None:
        """Make sure that the server answers and the root is a directory."""
        check_is_directory(self)

    @shielded
    def stat(self, key: str) -> Entry:
        """Return what a HEAD tells; a second one, with a slash, for what may be a directory."""
        who = self._who(key)
        _refuse_strange(who, key)
        if key:
            found = self._head(who, key, self._address(key))
            if found is not None:
                return found
        if self._head(who, key, self._address(key) + "/") is not None:
            return DirectoryInfo(key)
        raise NotFound(f"{who}: not found")

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        """Yield the links of a directory's page that lead one step down, sixteen HEADs at a time."""
        who = self._who(key)
        _refuse_strange(who, key)
        names = self._links(who, key)
        if not names and key and isinstance(self.stat(key), ObjectInfo):
            raise NotADirectory(f"{who}: is a file, a directory was wanted")
        prefix = f"{key}/" if key else ""
        directories: list[Entry] = [DirectoryInfo(prefix + name[:-1]) for name in names if name.endswith("/")]
        if directories:
            yield directories
        files = [prefix + name for name in names if not name.endswith("/")]
        with ThreadPoolExecutor(_HEADS_AT_ONCE, thread_name_prefix="fsspeckit-head") as pool:
            for start in range(0, len(files), 256):
                page = [
                    entry for entry in pool.map(self._entry_or_none, files[start : start + 256]) if entry is not None
                ]
                if page:
                    yield page

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        """Yield every file below `key`, one directory's page at a time."""
        return objects_below(self, key)

    @shielded
    def read_range(self, info: ObjectInfo, start: int, stop: int) -> Buffer:
        """Return bytes [start, stop) of that version."""
        try:
            return self._objects.read_range(info, start, stop)
        except Unsupported:
            return memoryview(self._whole(info))[start:stop]

    @shielded
    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        """Return a file, whole."""
        entry = self.stat(key)  # a page with a slash would be fetched as if it were a file
        if isinstance(entry, DirectoryInfo):
            raise IsADirectory(f"{self._who(key)}: is a directory, a file was wanted")
        return entry, self.read_range(entry, 0, entry.size_bytes) if entry.size_bytes else b""

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _whole(self, info: ObjectInfo) -> bytes:
        """Return all bytes of that version; the last file of up to 64 MiB is kept for the ranges that follow."""
        with self._lock:
            if self._kept is not None and self._kept[:2] == (info.key, info.version):
                return self._kept[2]
        who = self._who(info.key)
        now, data = self._objects.get(info.key)
        if now.version != info.version:
            raise CacheStale(who, info.version, now.version)
        if memoryview(data).nbytes != info.size_bytes:
            raise ShortRead(who, 0, info.size_bytes, memoryview(data).nbytes)
        found = bytes(memoryview(data))
        with self._lock:
            self._kept = (info.key, info.version, found) if len(found) <= _KEPT_BYTES else None
        return found

    def _entry_or_none(self, key: str) -> Entry | None:
        try:
            return self.stat(key)
        except NotFound:
            return None  # a link to nowhere

    def _head(self, who: str, key: str, address: str) -> Entry | None:
        """Return what lies at an address: an object, a directory where the server sends one there, None if nothing."""
        is_own_host = True
        for _ in range(_REDIRECTS):
            target = address
            response = self._endpoint.call(who, lambda target=target, own=is_own_host: self._ask(who, target, own))  # type: ignore[misc]
            if response.status in {404, 410}:
                return None
            if response.status not in {301, 302, 303, 307, 308}:
                return self._described(who, key, response)
            address = urljoin(target, response.headers.get("Location", ""))
            if urlsplit(address).path == urlsplit(target).path + "/":
                return DirectoryInfo(key)
            if urlsplit(address).netloc != urlsplit(target).netloc:
                is_own_host = False
        raise Unavailable(f"{who}: found more than {_REDIRECTS} redirections, wanted an answer; check the URL")

    def _ask(self, who: str, address: str, is_own_host: bool) -> urllib3.BaseHTTPResponse:
        headers = {
            name: value for name, value in self._headers.items() if is_own_host or name.lower() not in _KEPT_HEADERS
        }
        with translated(who):
            response = self._pool.request("HEAD", address, headers=headers, redirect=False)
            if response.status in {405, 501}:  # no HEAD here: one byte tells as much
                response = self._pool.request(
                    "GET", address, headers={**headers, "Range": "bytes=0-0"}, redirect=False, preload_content=False
                )
                response.release_conn()
        if response.status in {401, 403, 407}:
            raise AccessDenied(f"{who}: the server answered {response.status}; check the credentials")
        if response.status == 429 or response.status >= 500:
            raise Unavailable(f"{who}: the server answered {response.status}; try again later")
        return response

    def _described(self, who: str, key: str, response: urllib3.BaseHTTPResponse) -> Entry:
        if response.status not in {200, 204, 206}:
            raise Unsupported(f"{who}: the server answered {response.status} to HEAD, wanted 200")
        if response.status == 206:
            total = response.headers.get("Content-Range", "").rpartition("/")[2]
        else:
            total = response.headers.get("Content-Length", "")
        modified = response.headers.get("Last-Modified")
        mtime_ns = 0
        if modified is not None:
            try:
                mtime_ns = int(email.utils.parsedate_to_datetime(modified).timestamp()) * 1_000_000_000
            except ValueError:
                mtime_ns = 0
        if not total.isdigit():
            if response.url is not None and urlsplit(response.url).path.endswith("/"):
                return DirectoryInfo(key)
            raise Unsupported(
                f"{who}: the server does not tell its size, and without it a short read cannot be told from the end"
            )
        return ObjectInfo(key, int(total), mtime_ns, response.headers.get("ETag"))

    @shielded
    def _links(self, who: str, key: str) -> list[str]:
        """Return the names, directories with a slash, that the page of `key` links to one step below it."""
        import fsspec

        address = self._address(key) + "/"

        def fetch() -> list[str]:
            fs = fsspec.filesystem("http", skip_instance_cache=True, use_listings_cache=False, **self._fsspec_kwargs)
            with translated(who):
                return [str(link) for link in fs.ls(address, detail=False)]

        below = []
        for link in self._endpoint.call(who, fetch):
            rest = urljoin(address, link).removeprefix(address)
            name = rest.rstrip("/")
            if rest != link or link.startswith(address):
                name = unquote(name)
                usable = name and not urlsplit(rest).query and name not in {".", ".."} and "/" not in name
                if usable and urljoin(address, link).startswith(address):
                    below.append(name + "/" * rest.endswith("/"))
        return list(dict.fromkeys(below))

    def _address(self, key: str) -> str:
        return f"{self._root}/{quote(key)}" if key else self._root

    def _who(self, key: str) -> str:
        return mask_url(f"{self._url}/{key}") if key else self._url  # a signed URL's query is a secret


def _refuse_strange(who: str, key: str) -> None:
    if key and any(part in {"", ".", ".."} for part in key.split("/")):
        raise NotFound(f"{who}: no file can have this name")


def _pool(options: HttpStorageOptions) -> urllib3.PoolManager:
    settings: dict[str, Any] = {
        "maxsize": _HEADS_AT_ONCE,
        "ssl_context": options.ssl_context(),
        "timeout": urllib3.Timeout(connect=options.connect_timeout_s, read=options.timeout_s),
        "retries": urllib3.Retry(
            total=options.max_retries,
            backoff_factor=0.1,
            backoff_jitter=0.1,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=("HEAD", "GET"),
            raise_on_status=False,
            redirect=False,
        ),
    }
    if options.proxy_url is not None:
        return urllib3.ProxyManager(options.proxy_url.get_secret_value(), **settings)
    return urllib3.PoolManager(**settings)
