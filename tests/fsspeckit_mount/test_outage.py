"""A network that stalls and comes back, on a real S3 server behind a proxy; and that mounts leave nothing behind."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.proxy import FaultProxy, Request, Stall
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from fsspeckit_mount.kernel.mounting import find_mount
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, UMBRELLA, mounted, run_command
from tests.fsspeckit_mount.test_options import mount_status

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_LARGE = random.Random(11).randbytes(30 << 20)


@pytest.fixture
def proxy(s3_server: SeaweedFS) -> Iterator[FaultProxy]:
    s3_server.create_bucket("outages")
    store = open_store("s3://outages", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    obstore.put(store.native, "large", _LARGE)
    obstore.put(store.native, "other", _LARGE[:10_000_000])
    obstore.put(store.native, "small/one", b"one")
    with FaultProxy.start(s3_server.endpoint_url) as found:
        yield found


def _flags(server: SeaweedFS, proxy: FaultProxy) -> tuple[str, ...]:
    options = {**server.storage_options(), "endpoint_url": proxy.url, "max_retries": "0", "timeout_s": "2"}
    return ("-o", ",".join(f"{name}={value}" for name, value in options.items()))


def _reads(request: Request) -> bool:
    return request.method == "GET" and "range" in request.headers and "large" in request.path


@pytest.mark.parametrize("driver", ["kernel", "libfuse"])
def test_a_read_of_a_stalled_network_ends_with_eio_and_goes_on_without_a_remount(
    s3_server: SeaweedFS, proxy: FaultProxy, tmp_path: Path, driver: str
) -> None:
    flags = (*_flags(s3_server, proxy), "--driver", driver, "-o", "complete_at_open=0")
    with mounted("s3://outages", tmp_path, *flags) as mount:
        assert sorted(os.listdir(mount.path)) == ["large", "other", "small"]
        with (mount.path / "large").open("rb", buffering=0) as file:
            assert file.read(1000) == _LARGE[:1000]
            proxy.script = lambda request: Stall(60) if _reads(request) else None
            with pytest.raises(OSError) as caught:
                os.pread(file.fileno(), 4096, 20 << 20)  # the deadline of a request is two seconds
            assert caught.value.errno == errno.EIO
            assert sorted(os.listdir(mount.path)) == ["large", "other", "small"]
            assert (mount.path / "other").read_bytes() == _LARGE[:10_000_000]  # another file is not delayed
            endpoints = mount_status(mount.path)["endpoints"]
            assert isinstance(endpoints, list)
            assert all({"name", "circuit", "failures", "last_failure"} <= set(found) for found in endpoints)
            proxy.script = None
            deadline = time.monotonic() + 60
            while True:
                try:
                    assert os.pread(file.fileno(), 4096, 20 << 20) == _LARGE[20 << 20 : (20 << 20) + 4096]
                    break
                except OSError:
                    assert time.monotonic() < deadline
        assert (mount.path / "large").read_bytes() == _LARGE


def test_a_dead_endpoint_opens_its_circuit_which_status_shows(
    s3_server: SeaweedFS, proxy: FaultProxy, tmp_path: Path
) -> None:
    with mounted("s3://outages", tmp_path, *_flags(s3_server, proxy), "--attr-ttl", "0", "--dir-ttl", "0") as mount:
        assert (mount.path / "small" / "one").read_bytes() == b"one"
        proxy.down()
        for _ in range(15):
            with pytest.raises(OSError) as caught:
                (mount.path / "small" / "one").stat()
            assert caught.value.errno == errno.EIO
        shown = subprocess.run([UMBRELLA, "mount", "status", mount.path], capture_output=True, text=True, check=True)
        assert "circuit open after:" in shown.stdout or "circuit half-open after:" in shown.stdout
        proxy.up()
        deadline = time.monotonic() + 60
        while True:
            try:
                assert (mount.path / "small" / "one").read_bytes() == b"one"
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)


_CYCLES = """
    import gc, os, sys, threading, time
    from pathlib import Path
    from fsspeckit_lib.core.local_objects import LocalObjects
    from tests.fsspeckit_mount.mounts import serving

    source, place, cycles = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])

    def cycle(number):
        with serving(LocalObjects(source), place / str(number)) as mount:
            pid = os.spawnlp(os.P_WAIT, "cat", "cat", str(mount.path / "small"), str(mount.path / "large"))
            assert pid == 0

    def used():
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return len(os.listdir("/proc/self/fd")), pages * 4096

    for number in range(5):
        cycle(number)
    before = used()
    for number in range(5, 5 + cycles):
        cycle(number)
    deadline = time.monotonic() + 40
    while any(thread.name in {"names", "data", "readahead"} for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    after = used()
    print(before[0], after[0], (after[1] - before[1]) // cycles, threading.active_count(), file=sys.stderr)
"""


def test_mounting_and_unmounting_leaks_nothing(tmp_path: Path) -> None:
    """In one process again and again: descriptors and threads are as many as before, memory nearly."""
    cycles = 40
    source = tmp_path / "source"
    source.mkdir()
    (source / "small").write_bytes(b"x" * 5000)
    (source / "large").write_bytes(_LARGE[: 3 << 20])
    command = [sys.executable, "-c", textwrap.dedent(_CYCLES), str(source), str(tmp_path), str(cycles)]
    finished = subprocess.run(
        command, capture_output=True, timeout=100, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, "MALLOC_ARENA_MAX": "2"},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr.decode()
    fds_before, fds_after, bytes_a_cycle, threads = map(int, finished.stderr.split())
    assert fds_after <= fds_before
    assert threads <= 2
    assert bytes_a_cycle < 300_000  # one buffer of a worker has 1 MiB
    assert not [path for path in tmp_path.glob("*/mnt") if find_mount(str(path)) is not None]


def test_the_command_mounted_again_and_again_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_bytes(b"x")
    for _ in range(3):
        with mounted(tmp_path / "source", tmp_path) as mount:
            pid = mount.pid
            assert (mount.path / "file").read_bytes() == b"x"
            assert run_command(UMBRELLA, "umount", mount.path) == (0, "")
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not Path(f"/proc/{pid}/exe").exists()
