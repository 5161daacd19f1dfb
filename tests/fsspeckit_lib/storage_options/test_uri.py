"""URLs: every scheme and form, what a URL says beside the path, and what is not one."""

from __future__ import annotations

from pathlib import Path

import pytest
from fsspec.registry import known_implementations

from fsspeckit_lib.errors import BadInput, InvalidValue, UnknownName
from fsspeckit_lib.storage_options import canonical_protocol, infer_protocol_from_uri, storage_options_from_uri
from fsspeckit_lib.storage_options.registry import options_for_location
from fsspeckit_lib.storage_options.uri import is_known_protocol, known_protocols, parse_location


@pytest.mark.parametrize(
    ("text", "protocol", "bucket", "path", "options"),
    [
        ("s3://b", "s3", "b", "", {}),
        ("S3A://b/k/", "s3", "b", "k", {}),
        ("s3://b/a b/%20//c", "s3", "b", "a b/%20/c", {}),
        ("gs://b/k", "gs", "b", "k", {}),
        ("gcs://b", "gs", "b", "", {}),
        *[(f"{name}://c/k", "az", "c", "k", {}) for name in ("az", "abfs", "abfss", "ADL", "azure", "wasb", "wasbs")],
        ("abfss://c@acc.dfs.core.windows.net/a/b", "az", "c", "a/b", {"account_name": "acc"}),
        ("wasbs://c@acc.blob.core.windows.net", "az", "c", "", {"account_name": "acc"}),
        ("abfss://c@acc.dfs.core.chinacloudapi.cn/a", "az", "c", "a",
         {"account_name": "acc", "endpoint_url": "https://acc.blob.core.chinacloudapi.cn"}),
        ("abfs://c@acc/a", "az", "c", "a", {"account_name": "acc"}),
        ("/tmp/x", "file", "", "/tmp/x", {}),
        ("file:///tmp/x", "file", "", "/tmp/x", {}),
        ("file:/tmp/x", "file", "", "/tmp/x", {}),
        ("local:///tmp/x", "file", "", "/tmp/x", {}),
        ("http://h:80/a/b?x=1", "http", "", "h:80/a/b?x=1", {}),
        ("HTTPS://me:p%40w@h/a", "https", "", "h/a", {"username": "me", "password": "p@w"}),
        ("sftp://me:pw@h:22/a/b", "sftp", "", "/a/b", {"host": "h", "port": "22", "username": "me", "password": "pw"}),
        ("ssh://h/a", "sftp", "", "/a", {"host": "h"}),
        ("sftp://[::1]:22/a", "sftp", "", "/a", {"host": "::1", "port": "22"}),
        ("ftp://h", "ftp", "", "/", {"host": "h"}),
        ("memory://a/b", "memory", "", "a/b", {}),
        ("github://owner/repo@main/src", "github", "", "owner/repo@main/src", {}),
        ("gitlab://g/s/p@v1.0/a", "gitlab", "", "g/s/p@v1.0/a", {}),
        ("webdav://x/y", "webdav", "", "x/y", {}),
    ],
)  # fmt: skip
def test_forms(text: str, protocol: str, bucket: str, path: str, options: dict[str, str]) -> None:
    location = parse_location(text)
    assert (location.protocol, location.bucket, location.path) == (protocol, bucket, path)
    assert location.options == options
    assert infer_protocol_from_uri(text) == protocol


def test_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bare_environment: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_location("x/y").path == str(tmp_path / "x/y")
    assert parse_location("~/y").path == str(bare_environment / "y")
    (tmp_path / "s3:odd").touch()
    (tmp_path / "note:1").touch()
    for name in ("s3:odd", "note:1", "./s3:new", "2026-01-01T10:00"):
        location = parse_location(name)
        assert (location.protocol, location.path) == ("file", str((tmp_path / name).resolve()))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("s33://b", UnknownName, "unknown scheme 's33'; did you mean 's3'"),
        ("gitlb://b", UnknownName, "did you mean 'gitlab'"),
        ("s3:/bucket/k", BadInput, "wanted s3://bucket/k"),
        ("s3:bucket", BadInput, "wanted s3://bucket"),
        ("htps:/x", BadInput, "did you mean http"),
        ("foo:bar", BadInput, "write ./foo:bar for a local file"),
        ("simplecache::s3://b/k", BadInput, "chained URL"),
        ("s3://key:pw@b/k", BadInput, "give credentials as options"),
        ("abfss://c@/k", BadInput, "no account"),
        ("abfss://c@a.queue.core.example.org/k", BadInput, "wanted ACCOUNT.dfs.DOMAIN"),
        ("az://@acc/k", BadInput, "no bucket"),
        ("https://", BadInput, "no host"),
        ("sftp://h:port/x", BadInput, "no usable host"),
        ("gs://", BadInput, "no bucket, wanted gs://BUCKET"),
    ],
)
def test_what_is_no_url(text: str, kind: type[BadInput], words: str) -> None:
    with pytest.raises(kind) as caught:
        parse_location(text)
    assert words in str(caught.value)
    assert ":pw@" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(known_implementations))
def test_every_protocol_of_fsspec_is_known(name: str) -> None:
    assert is_known_protocol(name.upper())
    assert canonical_protocol(name.upper()) == canonical_protocol(name) in known_protocols()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sftp://me:hunter2@h/x", "sftp://***@h/x"),
        ("sftp://me:hunter2@hunter2@h/x", "sftp://***@h/x"),
        ("https://h/x?sig=hunter2&a=1", "https://h/x?sig=***&a=1"),
        ("abfss://c@acc.dfs.core.windows.net/x", "abfss://c@acc.dfs.core.windows.net/x"),
        ("gitlab://g/p@main/x", "gitlab://g/p@main/x"),
    ],
)
def test_what_is_shown_of_a_url(text: str, shown: str) -> None:
    location = parse_location(text)
    assert location.text == shown
    assert "hunter2" not in repr(location)


def test_the_plain_address() -> None:
    assert parse_location("s3a://b/k").address == "s3://b/k"
    assert parse_location("https://me:pw@h/x").address == "https://h/x"
    assert parse_location("/tmp").address == "/tmp"


def test_options_of_a_url() -> None:
    sftp = storage_options_from_uri("sftp://me:pw@h:2222/x").to_dict()
    assert sftp == {"protocol": "sftp", "host": "h", "port": 2222, "username": "me", "password": "pw"}
    assert storage_options_from_uri("abfss://c@acc.dfs.core.windows.net").to_dict()["account_name"] == "acc"
    assert storage_options_from_uri("s3://b").to_dict() == {"protocol": "s3"}
    assert storage_options_from_uri("https://h/x").protocol == "https"
    location = parse_location("sftp://me@h/x")
    assert options_for_location(location, {"password": "pw"}).to_dict()["username"] == "me"
    with pytest.raises(InvalidValue, match="different values of 'username'"):
        options_for_location(location, {"user": "you"})
