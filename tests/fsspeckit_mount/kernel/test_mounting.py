"""mount(2), umount2(2) and fusermount3: what is there, what is refused, and why."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fsspeckit_lib.errors import AccessDenied, AlreadyExists, BadInput, Conflict, GatewayError, NotFound, Unsupported
from fsspeckit_mount.kernel import mounting
from fsspeckit_mount.kernel.device import FuseDevice
from fsspeckit_mount.kernel.mounting import find_mount, mount, prepare_mountpoint, stack_depth_for, unmount
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, clean

needs_fuse = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)


def test_the_mounts_of_this_machine_are_found() -> None:
    found = find_mount("/proc")
    assert found is not None
    assert found.kind == "proc"
    assert find_mount("/proc/self") is None


@pytest.mark.parametrize("name", ["plain", "with space", "tab\tnew\nline", "back\\slash", "back\\040slash", "ü"])
@needs_fuse
def test_any_name_can_be_a_mountpoint_and_is_found_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir()
    device = FuseDevice(mount(f"source of {name}", prepare_mountpoint(str(path)), allow_other=True, read_only=True))
    try:
        found = find_mount(str(path))
        assert found is not None
        assert (found.kind, found.source) == ("fuse.fsspeckit", f"source of {name}")
    finally:
        clean(path)
        device.close()
    assert find_mount(str(path)) is None


def test_a_good_mountpoint_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert prepare_mountpoint(f"{tmp_path}/link/") == f"{tmp_path}/real"


def test_what_cannot_be_a_mountpoint(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full" / "entry").mkdir(parents=True)
    for name, words in (("missing", "does not exist"), ("file", "not a directory"), ("full", "not empty")):
        with pytest.raises(BadInput, match=words):
            prepare_mountpoint(str(tmp_path / name))
    with pytest.raises(BadInput):
        prepare_mountpoint(str(tmp_path / "file" / "below"))
    with pytest.raises(AlreadyExists, match="already mounted"):
        prepare_mountpoint("/proc")


@needs_fuse
def test_a_dead_mount_is_taken_away_and_a_living_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "mnt"
    path.mkdir()
    device = FuseDevice(mount("dead", str(path), allow_other=False, read_only=True))
    device.close()  # as when the daemon is killed
    try:
        with pytest.raises(OSError, match="not connected"):
            os.stat(path)
        assert prepare_mountpoint(str(path)) == str(path)
        assert find_mount(str(path)) is None
    finally:
        clean(path)


@needs_fuse
def test_unmounting_what_is_not_mounted(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing is mounted"):
        unmount(str(tmp_path))


def test_the_device_ignores_what_comes_after_the_end() -> None:
    device = FuseDevice(os.open("/dev/null", os.O_RDWR))
    device.close()
    device.close()
    assert device.receive(bytearray(100)) == 0
    assert device.send([b"late"]) is False
    device.release(1)


def test_a_device_that_refuses_backing_files_is_asked_once(caplog: pytest.LogCaptureFixture) -> None:
    device = FuseDevice(os.open("/dev/null", os.O_RDWR))
    with caplog.at_level("INFO"):
        assert [device.register(0), device.register(0)] == [None, None]
    assert caplog.text.count("passthrough is refused") == 1
    device.close()


def test_the_stack_depth_of_an_ordinary_folder(tmp_path: Path) -> None:
    assert stack_depth_for(str(tmp_path)) in {1, 2}
    assert stack_depth_for(str(tmp_path / "missing")) == 1


def _helper(directory: Path, script: str) -> str:
    path = directory / "fusermount3"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


_PASSES_A_DESCRIPTOR = """
printf '%s\\n' "$@" > {log}
exec {python} -c '
import array, os, socket
s = socket.socket(fileno=int(os.environ["_FUSE_COMMFD"]))
fd = os.open("{log}", os.O_RDONLY)
s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
'
"""


def test_fusermount3_is_asked_and_its_descriptor_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the set-user-id helper, which root has no need of: same arguments, same exchange."""
    import sys

    log = tmp_path / "log"
    _helper(tmp_path, _PASSES_A_DESCRIPTOR.format(log=log, python=sys.executable))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    descriptor = mounting.mount_by_helper("s3://a,b", "/mnt/x", allow_other=True, read_only=True)
    try:
        assert os.fstat(descriptor).st_ino == log.stat().st_ino
        assert not os.get_inheritable(descriptor)
    finally:
        os.close(descriptor)
    options = log.read_text().splitlines()
    assert options[0] == "-o"
    assert options[2:] == ["--", "/mnt/x"]
    assert options[1] == "nosuid,nodev,default_permissions,subtype=fsspeckit,fsname=s3://a\\,b,ro,allow_other"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("fusermount3: fuse device not found, try 'modprobe fuse' first", AccessDenied, "--device /dev/fuse"),
        ("fusermount3: failed to open /dev/fuse: Permission denied", AccessDenied, "--device /dev/fuse"),
        ("fusermount3: option allow_other only allowed if 'user_allow_other' is set", BadInput, "user_allow_other"),
        ("fusermount3: user has no write access to mountpoint /mnt/x", AccessDenied, "of your own"),
    ],
)
def test_what_fusermount3_says_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, kind: type[GatewayError], words: str
) -> None:
    _helper(tmp_path, f'echo "{said}" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(kind, match=words):
        mounting.mount_by_helper("source", "/mnt/x", allow_other=False, read_only=True)


def test_unmounting_by_fusermount3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    _helper(tmp_path, f'echo "$@" > {tmp_path}/log')
    mounting.unmount_by_helper("/mnt/x", lazy=True)
    assert (tmp_path / "log").read_text() == "-u -z -- /mnt/x\n"
    for said, kind in (("busy", Conflict), ("entry for /mnt/x not found in /etc/mtab", NotFound), ("no", AccessDenied)):
        _helper(tmp_path, f'echo "fusermount3: {said}" >&2; exit 1')
        with pytest.raises(kind):
            mounting.unmount_by_helper("/mnt/x", lazy=False)


def test_without_fusermount3_only_root_can_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match="apt-get install fuse3"):
        mounting.mount_by_helper("source", "/mnt/x", allow_other=False, read_only=True)
