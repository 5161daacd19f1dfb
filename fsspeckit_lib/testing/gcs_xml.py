"""The writing half of Google Cloud Storage's XML API, translated to the JSON API that fake-gcs-server has.

obstore reads and writes through the XML API (`PUT /bucket/object`, multipart uploads, `x-goog-copy-source`); the
emulator serves only its reads and deletions, which are passed on as they come. Parts of a multipart upload are kept in
memory until it is completed. Written from Google's "XML API reference"; for tests.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import json
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from fsspeckit_lib.testing.servers import serving

__all__ = ["GcsXml"]


class GcsXml:
    """A proxy before one emulator."""

    @staticmethod
    @contextlib.contextmanager
    def start(upstream_url: str) -> Iterator[str]:
        """Run until the block ends.

        Yields:
            the URL that takes both halves of the XML API.
        """
        upstream = urlsplit(upstream_url).netloc
        handler = type("Handler", (_Handler,), {"upstream": upstream, "uploads": {}, "conditions": threading.Lock()})
        with serving(handler) as url:
            yield url


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str
    uploads: dict[str, dict[int, bytes]]
    conditions: threading.Lock

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(*self._ask(self.command, self.path, b"", dict(self.headers.items())))

    do_HEAD = do_GET  # noqa: N815 - http.server's names

    def do_DELETE(self) -> None:
        upload = self._query().get("uploadId")
        if upload is None:
            self.do_GET()
        else:
            self.uploads.pop(upload, None)
            self._answer(204, {}, b"")

    def do_PUT(self) -> None:
        body, query = self._body(), self._query()
        if "uploadId" in query:
            self.uploads[query["uploadId"]][int(query["partNumber"])] = body
            self._answer(200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b"")
        elif "x-goog-copy-source" in self.headers:
            self._copy()
        else:
            self._write(body)

    def do_POST(self) -> None:
        self._body()
        query = self._query()
        bucket, name = self._object()
        if "uploads" in query:
            upload = uuid.uuid4().hex
            self.uploads[upload] = {}
            self._xml(
                f"<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>k</Key>"
                f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
            return
        parts = self.uploads.pop(query["uploadId"])
        status, headers, answer = self._upload(bucket, name, b"".join(parts[number] for number in sorted(parts)))
        if status != 200:
            self._answer(status, headers, answer)
            return
        self._xml('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')

    def _write(self, body: bytes) -> None:
        bucket, name = self._object()
        condition = self.headers.get("x-goog-if-generation-match")
        with self.conditions:  # the emulator's plain uploads do not look at ifGenerationMatch
            if condition is not None and condition != self._generation(bucket, name):
                self._answer(412, {}, b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            status, headers, answer = self._upload(bucket, name, body)
        if status == 200:
            headers, answer = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "x-goog-generation": "1"}, b""
        self._answer(status, headers, answer)

    def _copy(self) -> None:
        bucket, name = self._object()
        source_bucket, _, source = unquote(self.headers["x-goog-copy-source"]).lstrip("/").partition("/")
        address = (
            f"/storage/v1/b/{source_bucket}/o/{quote(source, safe='')}/rewriteTo/b/{bucket}/o/{quote(name, safe='')}"
        )
        status, _, answer = self._ask("POST", address, b"", {"Content-Length": "0"})
        self._answer(status, {}, b"" if status == 200 else answer)

    def _generation(self, bucket: str, name: str) -> str:
        address = f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        status, _, answer = self._ask("GET", address, b"", {})
        return str(json.loads(answer)["generation"]) if status == 200 else "0"

    def _upload(self, bucket: str, name: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        text = urllib.parse.urlencode({"uploadType": "media", "name": name})
        address = f"/upload/storage/v1/b/{bucket}/o?{text}"
        return self._ask("POST", address, body, {"Content-Length": str(len(body))})

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.upstream, timeout=30)
        try:
            passed = {name: value for name, value in headers.items() if name.lower() != "host"}
            connection.request(method, path, body or None, {**passed, "Host": self.upstream})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, Any], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"transfer-encoding", "connection", "content-length", "date", "server"}:
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers.items()}.get("content-length")
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _xml(self, text: str) -> None:
        self._answer(200, {"Content-Type": "application/xml"}, f'<?xml version="1.0"?>{text}'.encode())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _query(self) -> dict[str, str]:
        found = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}

    def _object(self) -> tuple[str, str]:
        bucket, _, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        return bucket, name
