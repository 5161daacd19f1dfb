"""Stalls, outages, interrupts and a killed daemon, on real mounts."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.errors import AlreadyExists, Unavailable
from fsspeckit_mount.control import ask
from fsspeckit_mount.kernel.mounting import find_mount, prepare_mountpoint
from tests.fsspeckit_mount.mounts import (
    CAN_MOUNT,
    COMMAND,
    NEEDS_FUSE,
    UMBRELLA,
    FaultyStore,
    Serving,
    clean,
    kill,
    mounted,
    run_command,
    run_python,
    serving,
)

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_LARGE = bytes(range(256)) * (4 << 12)  # 4 MiB


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "d").mkdir(parents=True)
    (root / "small").write_bytes(b"small")
    (root / "other").write_bytes(b"other")
    (root / "large").write_bytes(_LARGE)
    (root / "d" / "below").write_bytes(b"below")
    return root


@pytest.fixture
def store(source: Path) -> FaultyStore:
    return FaultyStore(LocalObjects(str(source)))


@pytest.fixture
def mount(store: FaultyStore, tmp_path: Path) -> Iterator[Serving]:
    with serving(store, tmp_path / "served", attribute_ttl_s=0, directory_ttl_s=0) as found:
        yield found
        store.gate.set()  # before the unmount: nobody may be left waiting


def _start(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


_INTERRUPTED = """
    import errno, os, signal, sys

    class Interrupted(Exception):
        pass

    def stop(number, frame):
        raise Interrupted  # else Python would try again

    signal.signal(signal.SIGALRM, stop)
    {prepare}
    print("ready", flush=True)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        {blocked}
    except Interrupted:
        print("interrupted")
"""


@pytest.mark.parametrize(
    ("stalled", "prepare", "blocked"),
    [
        ("read", "fd = os.open(sys.argv[1] + '/large', os.O_RDONLY)", "os.read(fd, 100)"),
        ("read", "", "os.open(sys.argv[1] + '/small', os.O_RDONLY)"),
        ("stat", "", "os.stat(sys.argv[1] + '/small')"),
        ("list", "", "os.listdir(sys.argv[1] + '/d')"),
    ],
    ids=["read", "open", "stat", "listdir"],
)
def test_a_blocked_call_can_be_interrupted(
    mount: Serving, store: FaultyStore, stalled: str, prepare: str, blocked: str
) -> None:
    store.stalls = lambda request, _key: request == stalled
    program = textwrap.dedent(_INTERRUPTED).format(prepare=prepare, blocked=blocked)
    assert run_python(program, mount.path, timeout_s=20).split() == ["ready", "interrupted"]


def test_a_blocked_reader_can_be_killed(mount: Serving, store: FaultyStore) -> None:
    store.stalls = lambda request, _key: request == "read"
    reader = _start("import sys; open(sys.argv[1] + '/large', 'rb').read()", mount.path)
    _eventually(lambda: ("read", "large") in store.requests)
    reader.kill()
    assert reader.wait(20) == -signal.SIGKILL
    assert reader.stdout is not None
    reader.stdout.close()


def test_one_stalled_file_delays_neither_ls_nor_other_files(mount: Serving, store: FaultyStore) -> None:
    store.stalls = lambda request, key: request == "read" and key in {"large", "small"}
    program = "import sys; print(len(open(sys.argv[1], 'rb').read()))"
    readers = [_start(program, mount.path / name) for name in ["large"] * 4 + ["small"] * 4]
    _eventually(lambda: {("read", "large"), ("read", "small")} <= set(store.requests))
    assert sorted(os.listdir(mount.path)) == ["d", "large", "other", "small"]
    assert (mount.path / "other").read_bytes() == b"other"
    assert (mount.path / "large").stat().st_size == len(_LARGE)
    assert (mount.path / "d" / "below").read_bytes() == b"below"
    assert all(reader.poll() is None for reader in readers)
    store.gate.set()
    answers = [reader.communicate(timeout=30)[0] for reader in readers]
    assert answers == [f"{len(_LARGE)}\n"] * 4 + ["5\n"] * 4


def test_an_outage_is_eio_and_never_a_missing_file(mount: Serving, store: FaultyStore) -> None:
    held = os.open(mount.path / "large", os.O_RDONLY)
    complete = os.open(mount.path / "small", os.O_RDONLY)
    try:
        store.failure = Unavailable("the storage is down")
        calls: list[Callable[[], object]] = [
            lambda: os.stat(mount.path / "small"),
            lambda: os.stat(mount.path / "missing"),
            lambda: os.listdir(mount.path),
            lambda: os.open(mount.path / "other", os.O_RDONLY),
            lambda: os.pread(held, 100, 1 << 20),
        ]
        for call in calls:
            with pytest.raises(OSError) as caught:
                call()
            assert caught.value.errno == errno.EIO
        assert os.pread(complete, 100, 0) == b"small"  # what is here goes on being readable
        assert os.path.ismount(mount.path)
        store.failure = None
        assert os.pread(held, 100, 1 << 20) == _LARGE[1 << 20 :][:100]
        assert sorted(os.listdir(mount.path)) == ["d", "large", "other", "small"]
        with pytest.raises(FileNotFoundError):
            os.stat(mount.path / "missing")
    finally:
        os.close(held)
        os.close(complete)


def test_the_unread_part_of_a_replaced_file_is_estale(mount: Serving, store: FaultyStore, source: Path) -> None:
    with (mount.path / "large").open("rb", buffering=0) as held:
        first = held.read(4096)
        _eventually(lambda: ("read", "large") in store.requests)
        _eventually(lambda: os.pread(held.fileno(), 10, 0) == _LARGE[:10])
        replacement = source / "replacement"
        replacement.write_bytes(b"n" * len(_LARGE))
        os.replace(replacement, source / "large")
        assert first == _LARGE[:4096]
        assert os.pread(held.fileno(), 4096, 0) == first
        with pytest.raises(OSError) as caught:
            os.pread(held.fileno(), 4096, (3 << 20) + 4096)
        assert caught.value.errno == errno.ESTALE
        assert (mount.path / "large").read_bytes() == b"n" * len(_LARGE)


def test_a_file_changed_since_the_lookup_opens_as_the_new_version(
    store: FaultyStore, source: Path, tmp_path: Path
) -> None:
    """The kernel believes the name for an hour; OPEN finds another version, says ESTALE, and the kernel asks again."""
    with serving(store, tmp_path / "served", attribute_ttl_s=3600, directory_ttl_s=3600) as mount:
        assert (mount.path / "small").stat().st_size == 5
        (source / "replacement").write_bytes(b"changed meanwhile")
        os.replace(source / "replacement", source / "small")
        assert (mount.path / "small").read_bytes() == b"changed meanwhile"
        assert (mount.path / "small").stat().st_size == 17


def test_a_killed_daemon_fails_every_access_and_the_next_mount_cleans_up(source: Path, tmp_path: Path) -> None:
    (source / "partial").write_bytes(bytes(9 << 20))
    with mounted(source, tmp_path, "--attr-ttl", "0") as mount:  # or the kernel would answer stat(2) for a while
        held = os.open(mount.path / "small", os.O_RDONLY)
        partial = os.open(mount.path / "partial", os.O_RDONLY)
        kill(mount.pid)
        calls: list[Callable[[], object]] = [
            lambda: os.listdir(mount.path),
            lambda: os.stat(mount.path / "small"),
            lambda: os.pread(partial, 100, 0),
        ]
        for call in calls:
            with pytest.raises(OSError) as caught:
                call()
            assert caught.value.errno == errno.ENOTCONN
        assert os.pread(held, 100, 0) == b"small"  # the kernel reads complete files by itself
        os.close(held)
        os.close(partial)
        with mounted(source, tmp_path) as again:
            assert (again.path / "small").read_bytes() == b"small"
    assert find_mount(str(mount.path)) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_unmounts(source: Path, tmp_path: Path, number: signal.Signals) -> None:
    with mounted(source, tmp_path) as mount:
        assert (mount.path / "small").read_bytes() == b"small"
        pid = mount.pid
        os.kill(pid, number)
        _eventually(lambda: find_mount(str(mount.path)) is None and not os.path.exists(f"/proc/{pid}"))
        assert os.listdir(mount.path) == []
        assert "unmounted" in mount.log.read_text()


def test_a_signal_while_files_are_open_lets_them_be_read_to_the_end(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path) as mount, (mount.path / "large").open("rb") as held:
        pid = mount.pid
        os.kill(pid, signal.SIGTERM)
        _eventually(lambda: find_mount(str(mount.path)) is None)
        assert held.read() == _LARGE
        held.close()
        _eventually(lambda: not os.path.exists(f"/proc/{pid}"))


def test_foreground_logs_to_stderr_and_notifies_systemd(source: Path, tmp_path: Path) -> None:
    import socket

    mountpoint = tmp_path / "mnt"
    mountpoint.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        process = subprocess.Popen(
            [COMMAND, source, mountpoint, "--foreground", "--cache-dir", tmp_path / "cache"],
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert systemd.recv(1000).startswith(b"READY=1")
            assert (mountpoint / "small").read_bytes() == b"small"
            process.send_signal(signal.SIGINT)
            _, words = process.communicate(timeout=30)
            assert process.returncode == 0
            assert systemd.recv(1000) == b"STOPPING=1"
        finally:
            process.kill()
            process.wait()
            clean(mountpoint)
    assert "INFO fsspeckit_mount.daemon: mounted file://" in words
    assert "Traceback" not in words


def test_an_unmount_by_others_ends_the_daemon(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path) as mount:
        pid = mount.pid
        assert run_command("umount", mount.path)[0] == 0
        _eventually(lambda: not os.path.exists(f"/proc/{pid}"))


def test_a_daemon_that_hangs_is_named_and_can_be_unmounted(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path, "--attr-ttl", "0") as mount:
        pid = mount.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable, match=r"has not answered within 0\.2 s"):
                ask(str(mount.path), "status", timeout_s=0.2)
            with pytest.raises(AlreadyExists, match="is mounted there and does not answer"):
                prepare_mountpoint(str(mount.path), timeout_s=0.2)
            assert run_command(UMBRELLA, "umount", "--lazy", mount.path) == (0, "")
            assert find_mount(str(mount.path)) is None
        finally:
            os.kill(pid, signal.SIGCONT)
