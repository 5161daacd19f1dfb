"""Small objects whose version is proved by their bytes: an ETag that is an MD5, one that is not, and other versions."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import CacheStale, NotFound

DATA = bytes(range(256)) * 16


def _info(store: ObstoreObjects, key: str) -> ObjectInfo:
    entry = store.stat(key)
    assert isinstance(entry, ObjectInfo)
    return entry


@pytest.mark.parametrize("new", [b"", b"a", b"b" * 4095, b"c" * 4096, b"d" * 9000])
def test_another_version_of_a_small_object_is_stale(s3_store: ObstoreObjects, new: bytes) -> None:
    s3_store.put("key", DATA)
    old = _info(s3_store, "key")
    assert bytes(s3_store.read_range(old, 0, 4096)) == DATA
    s3_store.put("key", new)
    with pytest.raises(CacheStale, match="reopen"):
        s3_store.read_range(old, 0, 4096)
    if new:
        assert bytes(s3_store.read_range(_info(s3_store, "key"), 0, len(new))) == new


def test_a_small_object_that_is_gone_is_not_found(s3_store: ObstoreObjects) -> None:
    s3_store.put("key", DATA)
    old = _info(s3_store, "key")
    s3_store.delete(["key"])
    with pytest.raises(NotFound):
        s3_store.read_range(old, 0, 4096)


def test_an_etag_that_looks_like_an_md5_and_is_none_is_asked_about_once() -> None:
    """Objects encrypted by a key of KMS have such ETags."""
    with _kms_server() as (url, requests):
        options = {"endpoint_url": url, "access_key_id": "a", "secret_access_key": "b", "region": "us-east-1"}
        store = open_store("s3://bucket", options)
        assert isinstance(store, ObstoreObjects)
        info = _info(store, "key")
        requests.clear()
        assert bytes(store.read_range(info, 0, len(DATA))) == DATA
        assert requests == [None, info.etag]
        assert bytes(store.read_range(info, 0, len(DATA))) == DATA
        assert requests == [None, info.etag, info.etag]


@contextlib.contextmanager
def _kms_server() -> Iterator[tuple[str, list[str | None]]]:
    """Serve DATA under every name; yield the URL, and the list that grows by the If-Match of each request."""
    requests: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            requests.append(self.headers["If-Match"])
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("ETag", f'"{"0" * 32}"')
            self.send_header("Last-Modified", "Mon, 23 Nov 2026 12:00:00 GMT")
            self.send_header("Content-Length", str(len(DATA)))
            self.send_header("Content-Range", f"bytes 0-{len(DATA) - 1}/{len(DATA)}")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(DATA)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
