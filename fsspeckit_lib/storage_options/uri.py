"""URLs and paths of storages: which protocol, which bucket, which path inside, and what else the URL itself says.

Does no I/O but for two questions: which protocols fsspec and plugins know, and whether a text with a colon (`a:b`) is
a local file. `s3://bucket/a b/c` is taken literally: keys are not percent-decoded, as no object storage tool does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from fsspeckit_lib.common.names import nearest, unknown_name
from fsspeckit_lib.common.secrets import is_clone_token, mask_url, shielded
from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.storage_options.plugins import plugin_names

__all__ = [
    "Location",
    "canonical_protocol",
    "infer_protocol_from_uri",
    "is_known_protocol",
    "known_protocols",
    "parse_location",
]

_SCHEME = re.compile(r"([^/]*?)://(.*)\Z", re.DOTALL)
"""Whatever stands before a first `://` was meant as a scheme: fsspec's registry has names with `_`, and a misspelt one
is no local path."""
_ALMOST_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+._\-]+):(.*)\Z", re.DOTALL)
_CANONICAL = {
    "s3a": "s3", "s3n": "s3",
    "gcs": "gs",
    "abfs": "az", "abfss": "az", "adl": "az", "azure": "az", "wasb": "az", "wasbs": "az",
    "local": "file",
    "ssh": "sftp",
}  # fmt: skip
_OWN = {"s3", "gs", "az", "file", "http", "https", "sftp", "ftp", "memory", "github", "gitlab"}
_BUCKETED = {"s3", "gs", "az"}
_HOSTED = {"sftp", "ftp"}
_REPOSITORIES = {"github", "gitlab"}


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a storage.

    Attributes:
        protocol: canonical (`s3` for `s3a`, `gs` for `gcs`, `az` for `abfss`, `file` for a bare path), lower-case.
        bucket: of s3, gs and az (there the container); empty elsewhere.
        path: within the bucket, without leading or trailing slash; absolute for `file`, `sftp` and `ftp`;
            `host/path` for `http` and `https`; elsewhere what follows `://`.
        text: what the user typed, secrets masked.
        options: what the URL says of the storage, as names of options: `account_name` of
            `abfss://container@account.dfs.core.windows.net/x`; host, port, username, password of `sftp://me@host/x`.
    """

    protocol: str
    bucket: str
    path: str = field(repr=False)
    text: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """Return the place as a URL in its plainest form, without user information: what fsspec takes."""
        if self.protocol == "file":
            return self.path
        return f"{self.protocol}://" + "/".join(part for part in (self.bucket, self.path) if part)


def canonical_protocol(name: str) -> str:
    """Return the one name of a protocol: `S3A` → `s3`, `adl` → `az`; an unknown one only gets lower-case."""
    lower = name.lower()
    return _CANONICAL.get(lower, lower)


def known_protocols() -> set[str]:
    """Return every scheme that can be typed: this library's, its aliases, the plugins' and fsspec's registry."""
    from fsspec.registry import known_implementations, registry

    return {*_CANONICAL, *_OWN, *plugin_names(), *known_implementations, *registry}


def is_known_protocol(name: str) -> bool:
    """Tell whether `name` is a scheme, in upper or lower case."""
    return name.lower() in known_protocols()


def infer_protocol_from_uri(uri: str) -> str:
    """Return the canonical protocol of a URL or path: `s3a://b` → `s3`, `/tmp` → `file`.

    Raises:
        UnknownName: a scheme that nobody knows; names the nearest known one.
    """
    return parse_location(uri).protocol


@shielded
def parse_location(text: str) -> Location:
    """Return the place that a URL or a path names.

    Raises:
        UnknownName: the scheme is not known.
        BadInput: empty, a NUL inside, a bucketed scheme without a bucket, or a URL written almost rightly (`s3:/b`).
    """
    shown = mask_url(text)
    if not text or "\0" in text:
        raise BadInput(f"storage: found {shown!r}, wanted a URL such as s3://bucket/prefix or a path")
    match = _SCHEME.match(text)
    if match is None:
        return Location("file", "", os.path.abspath(os.path.expanduser(_local_path(text, shown))), shown)
    scheme, rest = match.group(1).lower(), match.group(2)
    if scheme not in known_protocols():
        if "::" in scheme:
            raise BadInput(f"{shown}: found a chained URL, wanted one such as s3://bucket/prefix")
        if "@" in scheme:
            raise BadInput(
                f"***@{shown.rpartition('@')[2]}: found user information before ://, wanted SCHEME://USER@HOST"
            )
        raise unknown_name(shown, "scheme", scheme, known_protocols(), "docs/storage-options.md")
    protocol = canonical_protocol(scheme)
    if protocol == "file":
        # file:///x is absolute; file://x is what people type for a relative path
        return Location("file", "", os.path.abspath(os.path.expanduser(rest) or "/"), shown)
    if protocol in {"http", "https"}:
        return _web_location(protocol, rest, shown)
    if protocol in _HOSTED:
        host, _, path = rest.partition("/")
        return Location(protocol, "", f"/{path}", shown, _host_options(host, shown))
    if protocol in _REPOSITORIES:
        token, rest = _clone_token(protocol, rest)
        kind = "job_token" if text.partition("://")[2].startswith("gitlab-ci-token:") else "token"
        return Location(protocol, "", rest, shown, {kind: token} if token else {})
    if protocol not in _BUCKETED:
        return Location(protocol, "", rest, shown)
    bucket, _, path = rest.partition("/")
    options: dict[str, str] = {}
    if "@" in bucket:
        if protocol != "az":
            raise BadInput(f"{shown}: found user information in a {scheme} URL; give credentials as options")
        bucket, _, host = bucket.partition("@")
        options = _azure_options(host, shown)
    if not bucket:
        raise BadInput(f"{shown}: found no bucket, wanted {scheme}://BUCKET or {scheme}://BUCKET/PREFIX")
    return Location(protocol, bucket, "/".join(part for part in path.split("/") if part), shown, options)


def _local_path(text: str, shown: str) -> str:
    """Return the path in a text without `://`; refuse what was most likely meant as a URL."""
    match = _ALMOST_SCHEME.match(text)
    if match is None or os.path.lexists(os.path.expanduser(text)):
        return text
    scheme, rest = match.group(1).lower(), match.group(2)
    if scheme == "file" and rest.startswith("/"):
        return rest  # file:/x is a URL too: RFC 8089, appendix B
    path_hint = f"write ./{shown} for a local file of that name"
    if rest.startswith(":"):
        raise BadInput(f"{shown}: found a chained URL, wanted one such as s3://bucket/prefix")
    if is_known_protocol(scheme):
        wanted = f"{scheme}://{mask_url('x://' + rest.lstrip('/'))[4:]}"
        raise BadInput(f"{shown}: found {scheme}: without two slashes, wanted {wanted}; {path_hint}")
    close = nearest(scheme, known_protocols())
    hint = f"did you mean {close}://? " if close else ""
    raise BadInput(f"{shown}: found neither a URL (SCHEME://…) nor a local file; {hint}{path_hint}")


def _web_location(protocol: str, rest: str, shown: str) -> Location:
    host, slash, path = rest.partition("/")
    user_info, at, host = host.rpartition("@")
    if not host:
        raise BadInput(f"{shown}: found no host, wanted {protocol}://HOST/PATH")
    try:
        is_server = bool(urlsplit(f"//{host}").hostname) and urlsplit(f"//{host}").port != 0
    except ValueError:
        is_server = False
    if not is_server:
        raise BadInput(f"{shown}: found no usable host and port, wanted {protocol}://HOST or {protocol}://HOST:PORT")
    options: dict[str, str] = {}
    if at:
        username, colon, password = user_info.partition(":")
        options["username"] = unquote(username)
        if colon:
            options["password"] = unquote(password)
    return Location(protocol, "", host + slash + path, shown, options)


def _clone_token(protocol: str, rest: str) -> tuple[str, str]:
    """Split `user:token@group/project`, as `git clone` has it, into the token and the place; no token is empty."""
    user_info, _, place = rest.partition("@")
    if not is_clone_token(protocol, user_info):
        return "", rest
    user, colon, token = user_info.partition(":")
    return unquote(token if colon else user), place


def _host_options(netloc: str, shown: str) -> dict[str, str]:
    try:
        parts = urlsplit(f"//{netloc}")
        found = {"host": parts.hostname, "port": str(parts.port) if parts.port is not None else None}
    except ValueError:
        raise BadInput(f"{shown}: found no usable host and port, wanted HOST or HOST:PORT") from None
    if parts.username is not None:
        found["username"] = unquote(parts.username)
    if parts.password is not None:
        found["password"] = unquote(parts.password)
    return {name: value for name, value in found.items() if value}


def _azure_options(host: str, shown: str) -> dict[str, str]:
    account, dot, suffix = host.partition(".")
    if not account:
        raise BadInput(f"{shown}: found no account, wanted abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH")
    options = {"account_name": account}
    service, _, domain = suffix.partition(".")
    if dot and domain != "core.windows.net":
        if service not in {"dfs", "blob"}:
            raise BadInput(f"{shown}: found host {host!r}, wanted ACCOUNT.dfs.DOMAIN or ACCOUNT.blob.DOMAIN")
        options["endpoint_url"] = f"https://{account}.blob.{domain}"  # the blob service; dfs lists the same data
    return options
