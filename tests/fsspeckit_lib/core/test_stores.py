"""What one kind of store does beyond the contract: local links, S3's refusals, keys that cannot be named."""

from __future__ import annotations

import os
from pathlib import Path

import obstore
import pytest
import s3fs

from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import DirectoryInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.core.unnameable import UnnameableKey
from fsspeckit_lib.errors import (
    AccessDenied,
    NotADirectory,
    NotFound,
    Unavailable,
    UnknownName,
    Unsupported,
)
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from fsspeckit_lib.testing.servers import Moto


def test_local_links_out_of_the_root_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "bucket" / "inside").write_bytes(b"i")
    os.symlink(tmp_path / "secret", tmp_path / "bucket" / "out")
    os.symlink(tmp_path, tmp_path / "bucket" / "up")
    os.symlink("inside", tmp_path / "bucket" / "in")
    os.symlink("nowhere", tmp_path / "bucket" / "dangling")
    os.mkfifo(tmp_path / "bucket" / "pipe")
    store = open_store(str(tmp_path / "bucket"))
    assert {entry.name for page in store.list_directory("") for entry in page} == {"inside", "in"}
    for key in ("out", "up", "up/secret", "dangling", "pipe"):
        with pytest.raises(NotFound):
            store.stat(key)


def test_roots_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such directory"):
        open_store(str(tmp_path / "nope")).check()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectory, match="is a file"):
        open_store(str(tmp_path / "file")).check()


def test_s3_refusals_are_told_apart(s3_server: SeaweedFS, s3_store: ObstoreObjects) -> None:
    options = s3_server.storage_options()
    with pytest.raises(NotFound, match="NoSuchBucket"):
        open_store("s3://no-such-bucket", options).check()
    with pytest.raises(AccessDenied, match="credentials"):
        open_store(s3_store.url, {**options, "access_key_id": "nobody"}).check()
    with pytest.raises(AccessDenied, match="credentials"):
        open_store(s3_store.url, {**options, "secret_access_key": "wrong"}).check()
    dead = {**options, "endpoint_url": "http://127.0.0.1:9", "max_retries": 0}
    with pytest.raises(Unavailable, match="nothing was taken as deleted"):
        open_store(s3_store.url, dead).check()
    with pytest.raises(Unavailable):
        open_store(s3_store.url, dead).stat("a")


def test_s3_without_credentials_says_so(monkeypatch: pytest.MonkeyPatch, s3_server: SeaweedFS) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    with pytest.raises(AccessDenied, match="found no credentials"):
        open_store("s3://tests", {"endpoint_url": s3_server.endpoint_url, "max_retries": 0}).check()


def test_an_s3_folder_shows_all_but_keys_that_cannot_be_named(
    s3_server: SeaweedFS, s3_store: ObstoreObjects, caplog: pytest.LogCaptureFixture
) -> None:
    obstore.put(s3_store.native, "good/file", b"x")
    fs = s3fs.S3FileSystem(
        key=s3_server.access_key_id,
        secret=s3_server.secret_access_key,
        endpoint_url=s3_server.endpoint_url,
        skip_instance_cache=True,
    )
    fs.pipe_file(f"{s3_store.url.removeprefix('s3://')}/bad/new\nline", b"x")
    s3_store.check()
    assert {entry.key for page in s3_store.list_directory("") for entry in page} == {"good", "bad"}
    assert [entry.key for page in s3_store.list_directory("good") for entry in page] == ["good/file"]
    obstore.put(s3_store.native, "bad/good", b"xy")
    obstore.put(s3_store.native, "bad/deep/file", b"x")
    entries = {entry.key: entry for page in s3_store.list_directory("bad") for entry in page}
    assert entries == {"bad/good": s3_store.stat("bad/good"), "bad/deep": DirectoryInfo("bad/deep")}
    assert "1 keys are not shown" in caplog.text
    assert "new\\nline" in caplog.text
    with pytest.raises(UnnameableKey, match="rename it"):  # nothing is copied or removed without saying what is left
        list(s3_store.list_recursive("bad"))


def test_more_keys_than_a_page_with_one_that_cannot_be_named(tmp_path: Path) -> None:
    with Moto.start(tmp_path) as server:
        server.create_bucket("many")
        fs = s3fs.S3FileSystem(
            key="tester", secret="secret", endpoint_url=server.endpoint_url, skip_instance_cache=True
        )
        for number in range(1010):
            fs.pipe_file(f"many/a/{number:04}", b"x")
        fs.pipe_file("many/a//b", b"x")
        store = open_store("s3://many", server.storage_options())
        entries = [entry.key for page in store.list_directory("a") for entry in page]
    assert entries == [f"a/{number:04}" for number in range(1010)]


def test_s3_keys_that_cannot_be_named_are_unsupported_not_missing(s3_store: ObstoreObjects) -> None:
    for key in ("a//b", "a/../b", "new\nline"):
        with pytest.raises(Unsupported):
            s3_store.stat(key)


def test_unknown_schemes_and_missing_packages_are_said() -> None:
    with pytest.raises(UnknownName, match="did you mean 's3'"):
        open_store("s4://bucket")
    with pytest.raises(Unsupported, match="install"):
        open_store("dropbox://x")


def test_a_replaced_local_file_keeps_its_mode_and_a_copy_gets_its_source_s(tmp_path: Path) -> None:
    store = LocalObjects(str(tmp_path))
    (tmp_path / "secret").write_bytes(b"1")
    (tmp_path / "secret").chmod(0o600)
    store.put("secret", b"22")
    store.copy("secret", "copy")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("secret", "copy")] == [0o600, 0o600]
    umask = os.umask(0o027)
    try:
        (tmp_path / "open").write_bytes(b"1")
        (tmp_path / "open").chmod(0o777)
        store.copy("open", "less")
        store.put("new", b"1")
    finally:
        os.umask(umask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("less", "new")] == [0o750, 0o640]


def test_a_prefix_without_keys_is_an_empty_folder_at_the_root_alone(
    s3_server: SeaweedFS, s3_store: ObstoreObjects
) -> None:
    fs = filesystem(f"{s3_store.url}/nothing", s3_server.storage_options())
    assert fs.ls("") == []
    with pytest.raises(FileNotFoundError):
        fs.ls("below")
    with pytest.raises(FileNotFoundError, match="NoSuchBucket"):
        filesystem("s3://no-such-bucket/x", s3_server.storage_options()).ls("")
