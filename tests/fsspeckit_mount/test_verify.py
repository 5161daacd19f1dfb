"""fio verifies every block it reads: each carries a checksum and its own offset. Cold, warm, mapped, while evicting."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, Mounted, mounted

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_BYTES = 24 << 20
_BLOCK = 4096


def _run_fio(path: Path, *words: str) -> tuple[int, str]:
    """Return the exit status and everything that was said."""
    command = ["fio", "--name=job", f"--filename={path}", f"--size={_BYTES}", f"--bs={_BLOCK}"]
    command += ["--verify=crc32c", "--verify_fatal=1", "--group_reporting", *words]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=path.parent.parent)
    return finished.returncode, finished.stdout + finished.stderr


def _fio(path: Path, *words: str) -> None:
    status, said = _run_fio(path, *words)
    assert status == 0, said


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("verify") / "source"
    root.mkdir()
    for name in ("one", "two", "three"):
        _fio(root / name, "--rw=write", "--do_verify=0", "--verify_state_save=0", "--ioengine=psync")
    return root


@pytest.fixture(params=["passthrough", "through the daemon", "libfuse"])
def mount(source: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mounted]:
    flags = {
        "passthrough": (),
        "through the daemon": ("-o", "passthrough=no"),
        "libfuse": ("--driver", "libfuse"),
    }[request.param]
    with mounted(source, tmp_path, *flags) as found:
        yield found


_READS = {
    "sequential": ("--rw=read", "--ioengine=psync"),
    "random, 32 threads": ("--rw=randread", "--ioengine=psync", "--numjobs=32", "--thread", "--io_size=2m"),
    "mapped": ("--rw=randread", "--ioengine=mmap", "--io_size=8m"),
}


def test_every_block_is_the_right_one_cold_and_warm(mount: Mounted) -> None:
    for name, words in zip(("one", "two", "three"), _READS.values(), strict=True):
        _fio(mount.path / name, "--readonly", *words)  # cold: each way meets a file that nobody has read
    for words in _READS.values():
        _fio(mount.path / "one", "--readonly", *words)


def test_every_block_is_the_right_one_while_copies_are_evicted(source: Path, tmp_path: Path) -> None:
    """A cache with room for one of three files: each is evicted again and again while the others are read."""
    with mounted(source, tmp_path, "--cache-size", f"{_BYTES + (8 << 20)}") as mount:
        command = ["fio", f"--size={_BYTES}", f"--bs={_BLOCK}", "--verify=crc32c", "--verify_fatal=1", "--readonly"]
        command += ["--rw=randread", "--ioengine=psync", "--thread", "--io_size=4m", "--loops=2"]
        jobs = [
            word for name in ("one", "two", "three") for word in (f"--name={name}", f"--filename={mount.path}/{name}")
        ]
        finished = subprocess.run([*command, *jobs], capture_output=True, text=True, timeout=100, check=False)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        for name in ("one", "two", "three", "one"):
            ours = hashlib.sha256((mount.path / name).read_bytes()).digest()
            assert ours == hashlib.sha256((source / name).read_bytes()).digest()


def _spoil(path: Path, offset: int) -> None:
    """Change one byte, and let the file look as it did before."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(offset)
        (value,) = file.read(1)
        file.seek(offset)
        file.write(bytes([value ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_verification_fails_where_one_byte_is_wrong(source: Path, tmp_path: Path) -> None:
    """One byte of the storage, and one of a copy in the cache: what the tests above would say of a mount that lies."""
    folder = tmp_path / "spoilt"
    folder.mkdir()
    for name in ("storage", "copy"):
        shutil.copy(source / "one", folder / name)
    _spoil(folder / "storage", _BYTES // 2 + 1234)
    with mounted(folder, tmp_path) as mount:
        status, said = _run_fio(mount.path / "storage", "--readonly", *_READS["sequential"])
        assert status != 0
        assert "verify" in said
        _fio(mount.path / "copy", "--readonly", *_READS["sequential"])
        (copy,) = mount.cache.rglob("copy")
        with (mount.path / "copy").open("rb"):
            _spoil(copy, 5 * _BLOCK + 99)
            status, said = _run_fio(mount.path / "copy", "--readonly", *_READS["sequential"])
        assert status != 0
        assert "verify" in said
