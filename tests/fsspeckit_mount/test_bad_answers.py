"""A real S3 server whose answers go wrong on their way: what a program sees, and that nothing of it stays."""

from __future__ import annotations

import errno
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import obstore
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.proxy import ChangeHeader, Cut, Fault, FaultProxy, Reset, Stall, Status, WrongLength
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, mounted
from tests.fsspeckit_mount.test_options import mount_status

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_LARGE = random.Random(3).randbytes(12 << 20)
_NAMES = 10

# what goes wrong → errno of looking at a file, listing its directory, and reading on in an open file
_FAULTS: dict[str, tuple[Fault, int, int, int]] = {
    "refused": (Status(403), errno.EACCES, errno.EACCES, errno.EACCES),
    "deleted": (Status(404), errno.ENOENT, errno.ENOENT, errno.ESTALE),
    "server error": (Status(500), errno.EIO, errno.EIO, errno.EIO),
    "too many requests": (Status(429, 1), errno.EIO, errno.EIO, errno.EIO),
    "redirected nowhere": (Status(302), errno.EIO, errno.EIO, errno.EIO),
    "connection reset": (Reset(), errno.EIO, errno.EIO, errno.EIO),
    "cut short": (Cut(10), errno.EIO, errno.EIO, errno.EIO),
    "longer than announced": (WrongLength(-5), errno.EIO, errno.EIO, errno.EIO),
    "shorter than announced": (WrongLength(5), errno.EIO, errno.EIO, errno.EIO),
    "another version": (ChangeHeader("ETag", '"other"'), 0, 0, errno.ESTALE),
    "stalled": (Stall(60), errno.EIO, errno.EIO, errno.EIO),
}


@pytest.fixture(scope="module")
def proxy(s3_server: SeaweedFS) -> Iterator[FaultProxy]:
    s3_server.create_bucket("bad-answers")
    store = open_store("s3://bad-answers", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    obstore.put(store.native, "large", _LARGE)
    for number in range(_NAMES):
        obstore.put(store.native, f"d/{number}", _LARGE[:1000])
    with FaultProxy.start(s3_server.endpoint_url) as found:
        yield found


def _errno_of(call: Callable[[], object]) -> int:
    try:
        call()
    except OSError as error:
        return error.errno or -1
    return 0


@pytest.mark.parametrize("driver", ["kernel", "libfuse"])
def test_each_wrong_answer_is_its_errno_and_passes(
    s3_server: SeaweedFS, proxy: FaultProxy, tmp_path: Path, driver: str
) -> None:
    options = {**s3_server.storage_options(), "endpoint_url": proxy.url, "max_retries": "0", "timeout_s": "1"}
    words = ",".join(f"{name}={value}" for name, value in options.items())
    flags = ("-o", f"{words},complete_at_open=0,prefetch=0", "--attr-ttl", "0", "--dir-ttl", "0", "--driver", driver)
    with mounted("s3://bad-answers", tmp_path, *flags) as mount, (mount.path / "large").open("rb", 0) as file:

        def is_well(offset: int) -> bool:
            try:
                assert len(os.listdir(mount.path / "d")) == _NAMES
                assert (mount.path / "d" / "1").read_bytes() == _LARGE[:1000]
                return os.pread(file.fileno(), 4096, offset) == _LARGE[offset : offset + 4096]
            except OSError:
                return False

        for number, (name, (fault, stat, listing, reading)) in enumerate(_FAULTS.items()):
            offset = (number + 1) << 19  # where nothing was read before
            proxy.script = lambda _request, fault=fault: fault
            assert _errno_of(lambda: os.stat(mount.path / "d" / "1")) == stat, name
            assert _errno_of(lambda: os.listdir(mount.path / "d")) == listing, name
            assert _errno_of(lambda offset=offset: os.pread(file.fileno(), 4096, offset)) == reading, name  # type: ignore[misc]
            if name == "stalled":
                assert mount_status(mount.path)["pid"] == mount.pid  # which asks no storage
            proxy.script = None
            deadline = time.monotonic() + 60
            while not is_well(offset):  # a circuit that opened closes again
                assert time.monotonic() < deadline, name
                time.sleep(0.05)
        proxy.script = lambda _request: Status(500)
        try:
            for _ in range(300):
                assert _errno_of(lambda: os.stat(mount.path / "d" / "1")) == errno.EIO
        finally:
            proxy.script = None
        log = mount.log.read_text()
        assert "Traceback" not in log
        assert 20 < log.count("WARNING") < 200  # an outage is logged, and does not fill the disk
