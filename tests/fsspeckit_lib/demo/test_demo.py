"""The demonstration as a new user runs it: to the end, on each store, without FUSE, and interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

import pytest

from fsspeckit_lib.testing.ports import free_ports

FSSPECKIT = os.path.join(sysconfig.get_path("scripts"), "fsspeckit")


WITHOUT_FUSE = """
mount -t tmpfs none /dev
mknod /dev/null c 1 3; mknod /dev/zero c 1 5; mknod /dev/random c 1 8; mknod /dev/urandom c 1 9
mkdir /dev/shm; ln -s /proc/self/fd /dev/fd
exec "$@"
"""


def _command(*flags: str) -> list[str]:
    return [FSSPECKIT, "demo", "--port", str(free_ports(1)[0]), *flags]


def _nothing_is_left(base: Path) -> None:
    assert list(base.iterdir()) == []
    assert str(base) not in Path("/proc/mounts").read_text()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(base).encode() not in process.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue


@pytest.fixture
def base() -> Path:
    """A folder for the demo's temporary one: short, as it holds a socket path and a mountpoint."""
    return Path(tempfile.mkdtemp(prefix="demo-test-"))


@pytest.mark.parametrize("store", ["local", "s3"])
def test_the_demo_runs_to_its_end_and_cleans_up(store: str, base: Path) -> None:
    result = subprocess.run(
        _command("--once", "--store", store),
        env={**os.environ, "TMPDIR": str(base)},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for shown in (
        "2,400,000 rows",
        "ls -l mnt",
        "the same as in the bucket",
        "equal, byte for byte",
        "trips | table",
        "EXPLAIN",
        "pruned",
        "All answers were right",
    ):
        assert shown in result.stdout
    _nothing_is_left(base)
    base.rmdir()


def test_without_fuse_it_says_why_and_shows_the_sql_side(base: Path) -> None:
    command = ["unshare", "--mount", "sh", "-ec", WITHOUT_FUSE, "sh", *_command("--once")]
    result = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(base)}, capture_output=True, text=True, timeout=110
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no mount here: fsspeckit-mount: " in result.stdout
    assert "/dev/fuse" in result.stdout
    assert "trips | table" in result.stdout
    _nothing_is_left(base)
    base.rmdir()


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_and_cleans_up_when_interrupted(signal_number: signal.Signals, base: Path) -> None:
    process = subprocess.Popen(
        _command(), env={**os.environ, "TMPDIR": str(base)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "Ctrl-C ends it" in line:
                break
        time.sleep(0.2)
        assert process.poll() is None
        assert any(os.path.ismount(folder / "mnt") for folder in base.iterdir())
        process.send_signal(signal_number)
        rest = process.stdout.read()
        assert process.wait(60) == 0
        assert "interrupted; everything is unmounted" in rest
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    _nothing_is_left(base)
    base.rmdir()


def test_a_port_in_use_is_one_line_and_leaves_nothing_mounted(base: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = subprocess.run(
            [FSSPECKIT, "demo", "--once", "--port", str(taken.getsockname()[1])],
            env={**os.environ, "TMPDIR": str(base)},
            capture_output=True,
            text=True,
            timeout=110,
        )
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "another program listens there" in result.stderr
    _nothing_is_left(base)
    base.rmdir()
