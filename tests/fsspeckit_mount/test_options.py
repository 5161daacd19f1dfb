"""What can be asked of a mount, by both drivers: owners, modes, attributes, the state, a refresh, several at once."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sysconfig
import time
from pathlib import Path

import obstore
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from fsspeckit_mount.kernel.mounting import find_mount
from tests.fsspeckit_mount.mounts import (
    CAN_MOUNT,
    COMMAND,
    NEEDS_FUSE,
    UMBRELLA,
    clean,
    is_running,
    kill,
    mounted,
    run_command,
)

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

HELPER = os.path.join(sysconfig.get_path("scripts"), "mount.fsspeckit")
DRIVERS = ["kernel", "libfuse"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "d").mkdir(parents=True)
    (root / "file").write_bytes(b"content")
    (root / "d" / "below").write_bytes(b"below")
    return root


@pytest.fixture
def bucket(s3_server: SeaweedFS, request: pytest.FixtureRequest) -> tuple[str, str, ObstoreObjects]:
    """A bucket of the test's own: name, options for -o, store."""
    name = f"opt-{abs(hash(request.node.name)) % 10**9}"
    s3_server.create_bucket(name)
    store = open_store(f"s3://{name}", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    return name, ",".join(f"{key}={value}" for key, value in s3_server.storage_options().items()), store


def mount_status(path: Path) -> dict[str, object]:
    finished = subprocess.run(
        [UMBRELLA, "mount", "status", path, "--json"], capture_output=True, text=True, check=True, timeout=30
    )
    found: dict[str, object] = json.loads(finished.stdout)
    return found


@pytest.mark.parametrize("driver", DRIVERS)
def test_owner_and_modes(source: Path, tmp_path: Path, driver: str) -> None:
    flags = ("--uid", "1234", "--gid", "2345", "--file-mode", "0664", "--dir-mode", "0775", "--umask", "0027")
    with mounted(source, tmp_path, "--driver", driver, *flags) as mount:
        status = (mount.path / "file").stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)
        status = (mount.path / "d").stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o750)
        assert stat.S_IMODE(mount.path.stat().st_mode) == 0o750


def test_the_kernel_checks_the_permission_bits(source: Path, tmp_path: Path) -> None:
    def read_as_nobody(directory: Path) -> tuple[bytes, bytes]:
        as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "cat", "file"]
        # from within, as the folders above belong to who runs the tests
        finished = subprocess.run(as_nobody, cwd=directory, capture_output=True, check=False, timeout=30)
        return finished.stdout, finished.stderr

    flags = ("--allow-other", "--umask", "0077")
    with mounted(source, tmp_path / "closed", *flags, "--uid", "0") as mount:
        assert b"denied" in read_as_nobody(mount.path)[1]
    with mounted(source, tmp_path / "own", *flags, "--uid", "65534") as mount:
        assert read_as_nobody(mount.path) == (b"content", b"")
    with mounted(source, tmp_path / "root-only") as mount:
        assert b"denied" in read_as_nobody(mount.path)[1]


@pytest.mark.parametrize("driver", DRIVERS)
def test_extended_attributes(tmp_path: Path, bucket: tuple[str, str, ObstoreObjects], driver: str) -> None:
    name, options, store = bucket
    obstore.put(store.native, "d/file", b"x" * 100)
    info = store.stat("d/file")
    with mounted(f"s3://{name}", tmp_path, "-o", options, "--driver", driver) as mount:
        path = mount.path / "d" / "file"
        known = {attribute.removeprefix("user.fsspeckit.") for attribute in os.listxattr(path)}
        assert known == {"url", "etag", "storage_class", "cached"}
        assert os.getxattr(path, "user.fsspeckit.url") == f"s3://{name}/d/file".encode()
        assert os.getxattr(path, "user.fsspeckit.etag").decode() == getattr(info, "etag", None)
        assert os.getxattr(path, "user.fsspeckit.storage_class") == b"STANDARD"
        assert os.getxattr(path, "user.fsspeckit.cached") == b"no"
        path.read_bytes()
        assert os.getxattr(path, "user.fsspeckit.cached") == b"complete"
        assert os.getxattr(mount.path, "user.fsspeckit.url") == f"s3://{name}".encode()
        for absent in ("user.other", "user.fsspeckit.nothing"):
            with pytest.raises(OSError, match="No data"):
                os.getxattr(path, absent)
    with (
        mounted(f"s3://{name}", tmp_path, "-o", f"{options},xattrs=no", "--driver", driver) as mount,
        pytest.raises(OSError, match="not supported"),
    ):
        os.getxattr(mount.path / "d" / "file", "user.fsspeckit.url")


@pytest.mark.parametrize("driver", DRIVERS)
def test_statfs_shows_the_cache_or_the_storages_quota(source: Path, tmp_path: Path, driver: str) -> None:
    with mounted(source, tmp_path / "whole", "--cache-size", "64MiB", "--driver", driver) as mount:
        (mount.path / "file").read_bytes()
        space = os.statvfs(mount.path)
        assert space.f_blocks * space.f_frsize == 64 << 20
        assert 0 < (space.f_blocks - space.f_bfree) * space.f_frsize <= 1 << 20
    config = tmp_path / "quota.yaml"
    config.write_text(f"storages: {{lake: {{protocol: file, path: {source}}}}}\ncache: {{quotas: {{lake: 16MiB}}}}\n")
    with mounted("lake", tmp_path / "quota", "--config", str(config), "--driver", driver) as mount:
        space = os.statvfs(mount.path)
        assert space.f_blocks * space.f_frsize == 16 << 20


@pytest.mark.parametrize("driver", DRIVERS)
def test_refresh_shows_at_once_what_changed(source: Path, tmp_path: Path, driver: str) -> None:
    with mounted(source, tmp_path, "--attr-ttl", "1h", "--dir-ttl", "1h", "--driver", driver) as mount:
        assert sorted(os.listdir(mount.path)) == ["d", "file"]
        assert (mount.path / "file").read_bytes() == b"content"
        assert not (mount.path / "new").exists()
        assert (mount.path / "d" / "below").read_bytes() == b"below"
        (source / "file").write_bytes(b"changed")
        (source / "new").write_bytes(b"new")
        (source / "d" / "below").write_bytes(b"changed as well")
        if driver == "kernel":  # libfuse cannot tell its kernel
            assert (mount.path / "file").read_bytes() == b"content"
            assert run_command(UMBRELLA, "mount", "refresh", mount.path / "d") == (0, "")
            assert (mount.path / "d" / "below").read_bytes() == b"changed as well"
            assert run_command(UMBRELLA, "mount", "refresh", mount.path / "new") == (0, "")
            assert (mount.path / "new").read_bytes() == b"new"
            assert run_command(UMBRELLA, "mount", "refresh", mount.path) == (0, "")
            assert (mount.path / "file").read_bytes() == b"changed"
        assert run_command(UMBRELLA, "mount", "refresh", mount.path) == (0, "")
        assert sorted(os.listdir(mount.path)) == ["d", "file", "new"]


def test_refresh_and_status_of_what_is_no_mount(tmp_path: Path) -> None:
    for verb in ("refresh", "status"):
        status, words = run_command(UMBRELLA, "mount", verb, tmp_path)
        assert status == 1
        assert "lies in no mount of fsspeckit" in words


@pytest.mark.parametrize("driver", DRIVERS)
def testmount_status(source: Path, tmp_path: Path, driver: str) -> None:
    with mounted(source, tmp_path, "--driver", driver) as mount:
        with (mount.path / "file").open("rb"):
            found = mount_status(mount.path / "d")  # any path in it will do
        assert found["mountpoint"] == str(mount.path)
        assert found["source"] == f"file://{source}"
        assert found["driver"] == driver
        assert found["pid"] == mount.pid
        assert str(found["passthrough"]).startswith("yes" if driver == "kernel" else "no: ")
        assert found["open"] == {"passthrough" if driver == "kernel" else "cached": 1}
        shown = subprocess.run([UMBRELLA, "mount", "status"], capture_output=True, text=True, check=False).stdout
        assert f"{mount.path}: file://{source}" in shown
        kill(mount.pid)
        status, words = run_command(UMBRELLA, "mount", "status", mount.path)
        assert status == 1
        assert "its daemon is dead" in words


def test_several_mounts_in_one_process(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thing").write_bytes(b"thing")
    places = [tmp_path / name for name in ("one", "two", "three")]
    for place in places:
        place.mkdir()
    config = tmp_path / "fsspeckit.yaml"
    config.write_text(f"""
storages:
  lake: {{protocol: file, path: {source}}}
cache: {{root: {tmp_path}/cache}}
mounts:
  - {{storage: lake, mountpoint: {places[0]}}}
  - {{storage: lake, path: d, mountpoint: {places[1]}, umask: "0077", driver: libfuse}}
  - {{storage: "file://{other}", mountpoint: {places[2]}, attr_ttl: 0}}
""")
    try:
        assert run_command(COMMAND, "--config", config, "--log-file", tmp_path / "log") == (0, "")
        assert (places[0] / "file").read_bytes() == b"content"
        assert (places[1] / "below").read_bytes() == b"below"
        assert stat.S_IMODE((places[1] / "below").stat().st_mode) == 0o400
        assert (places[2] / "thing").read_bytes() == b"thing"
        pids = {mount_status(place)["pid"] for place in places}
        assert len(pids) == 1
        assert run_command(UMBRELLA, "umount", places[0]) == (0, "")
        assert (places[2] / "thing").read_bytes() == b"thing"  # the others go on
        assert run_command(UMBRELLA, "umount", places[1]) == (0, "")
        assert run_command(UMBRELLA, "umount", places[2]) == (0, "")
        pid = int(str(pids.pop()))
        deadline = time.monotonic() + 20
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_running(pid)  # with the last one it ends
    finally:
        for place in places:
            clean(place)


def test_if_one_of_several_cannot_be_mounted_none_is(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "one"
    place.mkdir()
    config = tmp_path / "fsspeckit.yaml"
    mounts = f"[{{storage: '{source}', mountpoint: {place}}}, {{storage: '{source}', mountpoint: {tmp_path}/nowhere}}]"
    config.write_text(f"cache: {{root: {tmp_path}/cache}}\nmounts: {mounts}\n")
    status, words = run_command(COMMAND, "--config", config, "--log-file", tmp_path / "log")
    assert status == 2
    assert "nowhere: does not exist" in words
    assert find_mount(str(place)) is None


def test_two_mounts_at_one_place_are_refused_also_through_a_link(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "one"
    place.mkdir()
    (tmp_path / "link").symlink_to(place)
    config = tmp_path / "fsspeckit.yaml"
    mounts = ", ".join(f"{{storage: '{source}', mountpoint: {tmp_path / name}}}" for name in ("one", "link"))
    config.write_text(f"cache: {{root: {tmp_path}/cache}}\nmounts: [{mounts}]\n")
    status, words = run_command(COMMAND, "--config", config, "--log-file", tmp_path / "log")
    assert status == 2
    assert f"{place}: is named twice" in words
    assert find_mount(str(place)) is None


def test_a_prefix_without_keys_is_refused_unless_it_may_be_empty(
    tmp_path: Path, bucket: tuple[str, str, ObstoreObjects]
) -> None:
    name, options, store = bucket
    (tmp_path / "mnt").mkdir()
    status, words = run_command(
        COMMAND, f"s3://{name}/typo", tmp_path / "mnt", "-o", options, "--cache-dir", tmp_path / "c",
        "--log-file", tmp_path / "log",
    )  # fmt: skip
    assert status == 2
    assert "nothing lies below this prefix" in words
    assert "missing=empty" in words
    assert find_mount(str(tmp_path / "mnt")) is None
    with mounted(f"s3://{name}/typo", tmp_path, "-o", f"{options},missing=empty", "--dir-ttl", "0") as mount:
        assert os.listdir(mount.path) == []
        obstore.put(store.native, "typo/now", b"there")
        assert os.listdir(mount.path) == ["now"]
    with mounted(f"s3://{name}", tmp_path / "root", "-o", options) as mount:
        assert os.listdir(mount.path) == ["typo"]


def test_a_line_of_fstab(source: Path, tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    words = f"rw,noauto,_netdev,nofail,x-systemd.automount,attr_ttl=5s,umask=0077,cache_dir={tmp_path}/c"
    try:
        finished = run_command(
            HELPER, source, tmp_path / "mnt", "-s", "-t", "fsspeckit", "-o", f"{words},log_file={tmp_path}/log"
        )
        assert finished == (0, "")
        assert (tmp_path / "mnt" / "file").read_bytes() == b"content"
        assert stat.S_IMODE((tmp_path / "mnt" / "file").stat().st_mode) == 0o400
        assert (tmp_path / "c").is_dir()
    finally:
        clean(tmp_path / "mnt")


def test_odd_ways_to_call_the_helper_of_fstab(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "mnt"
    place.mkdir()
    words = f"cache_dir={tmp_path}/c,log_file={tmp_path}/log"
    assert run_command(HELPER, source, place, "-f", "-o", words) == (0, "")
    assert find_mount(str(place)) is None  # a fake one
    status, said = run_command(HELPER, source, place, "-o", f"remount,{words}")
    assert (status, find_mount(str(place))) == (2, None)
    assert said.startswith("mount.fsspeckit: -o remount: ")
    status, said = run_command(HELPER, source, place, "-o", f"rw,noexecs,{words}")
    assert status == 2
    assert "did you mean 'noexec'?" in said
    try:
        assert run_command(HELPER, source, place, "-sv", "-n", "-N", "/proc/1/ns/mnt", f"-orw,,{words}") == (0, "")
        assert (place / "file").read_bytes() == b"content"
    finally:
        clean(place)
    try:
        assert run_command(HELPER, source, place, "-o", f"rw,user=root,comment=x,{words}") == (0, "")
    finally:
        clean(place)


@pytest.mark.parametrize("driver", DRIVERS)
def test_noexec_lets_no_program_be_started(source: Path, tmp_path: Path, driver: str) -> None:
    (source / "program").write_text("#!/bin/sh\nexit 0\n")
    for words, status in (("file_mode=0555", 0), ("file_mode=0555,noexec", 126)):
        with mounted(source, tmp_path, "-o", words, "--driver", driver) as mount:
            started = subprocess.run(["sh", "-c", mount.path / "program"], capture_output=True, check=False)
            assert started.returncode == status


def test_without_the_kernels_caches_every_look_reaches_the_daemon(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path, "-o", "kernel_cache=no", "--attr-ttl", "1h", "--log-level", "debug") as mount:
        for _ in range(3):
            assert (mount.path / "file").stat().st_size == 7
        assert not (mount.path / "none").exists()
        assert (mount.path / "file").read_bytes() == b"content"
