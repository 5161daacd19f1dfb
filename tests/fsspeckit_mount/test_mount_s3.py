"""A real mount of a real S3 server."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, Mounted, mounted

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_LARGE = random.Random(5).randbytes(40 << 20)
_numbers = itertools.count(1)


@pytest.fixture
def bucket(s3_server: SeaweedFS) -> S3Store:
    name = f"mount-{os.getpid()}-{next(_numbers)}"
    s3_server.create_bucket(name)
    return S3Store(
        name,
        endpoint=s3_server.endpoint_url,
        access_key_id=s3_server.access_key_id,
        secret_access_key=s3_server.secret_access_key,
        region="us-east-1",
        client_options={"allow_http": True},
    )


def _options(server: SeaweedFS, *more: str) -> list[str]:
    return ["-o", ",".join([f"{name}={value}" for name, value in server.storage_options().items()] + list(more))]


@pytest.fixture(params=["passthrough=yes", "passthrough=no"])
def mount(bucket: S3Store, s3_server: SeaweedFS, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mounted]:
    obstore.put(bucket, "raw/readme.txt", b"hello from the bucket\n")
    obstore.put(bucket, "raw/2024/january/tägliche werte.csv", b"a,b\n1,2\n")
    obstore.put(bucket, "raw/large.bin", _LARGE)
    obstore.put(bucket, "raw/both/below", b"below")
    obstore.put(bucket, "outside", b"not below raw/")
    source = f"s3://{bucket.prefix or ''}{_name(bucket)}/raw"
    with mounted(
        source, tmp_path, *_options(s3_server, request.param), "--attr-ttl", "200ms", "--dir-ttl", "2s"
    ) as found:
        yield found


def _name(bucket: S3Store) -> str:
    return str(bucket.config["bucket"])


def test_tree_and_bytes_cold_and_warm(mount: Mounted) -> None:
    names = sorted(str(path.relative_to(mount.path)) for path in mount.path.rglob("*"))
    assert names == [
        "2024", "2024/january", "2024/january/tägliche werte.csv", "both", "both/below", "large.bin", "readme.txt",
    ]  # fmt: skip
    for _ in range(2):
        assert (mount.path / "readme.txt").read_bytes() == b"hello from the bucket\n"
        assert (mount.path / "2024" / "january" / "tägliche werte.csv").read_bytes() == b"a,b\n1,2\n"
        with (mount.path / "large.bin").open("rb") as file:
            assert hashlib.file_digest(file, "sha256").digest() == hashlib.sha256(_LARGE).digest()


def test_the_cached_copy_lies_at_the_keys_own_path(mount: Mounted, bucket: S3Store) -> None:
    (mount.path / "readme.txt").read_bytes()
    (copy,) = (path for path in mount.cache.rglob("readme.txt"))
    assert str(copy).endswith(f"{_name(bucket)}/raw/readme.txt")
    assert copy.read_bytes() == b"hello from the bucket\n"


def test_random_reads_of_a_cold_large_file_fetch_little(mount: Mounted) -> None:
    chosen = random.Random(8)
    descriptor = os.open(mount.path / "large.bin", os.O_RDONLY)
    try:
        for _ in range(20):
            start = chosen.randrange(1 << 20, len(_LARGE))
            assert os.pread(descriptor, 4096, start) == _LARGE[start : start + 4096]
    finally:
        os.close(descriptor)
    assert subprocess.run(["umount", mount.path], check=False).returncode == 0
    deadline = time.monotonic() + 20
    while "were downloaded" not in (text := mount.log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert int(text.split(" bytes were downloaded")[0].split()[-1]) < 8 << 20


def test_a_changed_object_is_seen_after_the_ttl_with_its_size(mount: Mounted, bucket: S3Store) -> None:
    path = mount.path / "readme.txt"
    with path.open("rb") as old:
        for content in (b"second version, longer than the first was\n" * 9, b"3"):
            obstore.put(bucket, "raw/readme.txt", content)
            deadline = time.monotonic() + 20
            while (seen := path.read_bytes()) != content:
                assert seen.startswith((b"hello", b"second"))
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert path.stat().st_size == len(content)
        assert old.read() == b"hello from the bucket\n"
    obstore.delete(bucket, "raw/readme.txt")
    deadline = time.monotonic() + 20
    while path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_large_object_replaced_while_it_is_read_is_never_mixed(mount: Mounted, bucket: S3Store) -> None:
    path = mount.path / "large.bin"
    other = bytes(255 - value for value in _LARGE[: 1 << 20]) * 30
    with path.open("rb", buffering=0) as file:
        first = file.read(1 << 20)
        obstore.put(bucket, "raw/large.bin", other)
        got, failure = first, 0
        try:
            while piece := file.read(1 << 20):
                got += piece
        except OSError as error:
            failure = error.errno or 0
        assert got == _LARGE[: len(got)]
        assert failure == errno.ESTALE or len(got) == len(_LARGE)
    deadline = time.monotonic() + 20
    while path.stat().st_size != len(other):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert path.read_bytes() == other


def test_an_empty_bucket(bucket: S3Store, s3_server: SeaweedFS, tmp_path: Path) -> None:
    with mounted(f"s3://{_name(bucket)}", tmp_path, *_options(s3_server), "--dir-ttl", "0") as mount:
        assert os.listdir(mount.path) == []
        obstore.put(bucket, "first", b"1")
        assert os.listdir(mount.path) == ["first"]


def test_a_server_that_went_away_is_eio(bucket: S3Store, tmp_path: Path) -> None:
    """A second server of its own, ended while its bucket is mounted."""
    options: list[str]
    with SeaweedFS.start(tmp_path / "server") as server:
        server.create_bucket("gone")
        options = _options(server, "max_retries=0", "connect_timeout_s=1")
        cleanup = mounted("s3://gone", tmp_path / "m", *options, "--attr-ttl", "0", "--dir-ttl", "0")
        mount = cleanup.__enter__()
    try:
        for call in (lambda: os.stat(mount.path / "name"), lambda: os.listdir(mount.path)):
            with pytest.raises(OSError) as caught:
                call()
            assert caught.value.errno == errno.EIO  # never ENOENT
    finally:
        cleanup.__exit__(None, None, None)
