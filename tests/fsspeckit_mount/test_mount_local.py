"""A real mount of a local folder by the command: what programs see is what lies in the folder."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import hashlib
import mmap
import os
import random
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_mount.kernel.mounting import find_mount
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, UMBRELLA, Mounted, mounted, run_command, run_python

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_LARGE_BYTES = 20 * (1 << 20) + 12345
_NAMES = {
    "hello.txt": b"hello\n",
    "empty": b"",
    "page": bytes(range(256)) * 16,
    "a folder/ü ñ 日本.txt": "grüße\n".encode(),
    "a folder/deep/er/and'quoted\".log": b"line\n" * 1000,
    "small.bin": random.Random(1).randbytes(300_000),
    "large.bin": random.Random(2).randbytes(_LARGE_BYTES),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    for name, data in _NAMES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    many = root / "many"
    many.mkdir()
    for number in range(2500):
        (many / f"file-{number:05}").touch()
    return root


_DRIVERS = {
    "passthrough": (),
    "through the daemon": ("-o", "passthrough=no"),
    "libfuse": ("--driver", "libfuse"),
}


@pytest.fixture(scope="module", params=_DRIVERS)
def mount(source: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Mounted]:
    with mounted(source, tmp_path_factory.mktemp("mount"), *_DRIVERS[request.param]) as found:
        yield found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_every_byte_cold_then_warm(mount: Mounted, source: Path) -> None:
    for _ in range(2):
        for name, data in _NAMES.items():
            assert _digest(mount.path / name) == hashlib.sha256(data).hexdigest(), name


def test_the_tree_is_the_same(mount: Mounted, source: Path) -> None:
    theirs = {(root.replace(str(source), ""), *sorted(files)) for root, _, files in os.walk(source)}
    ours = {(root.replace(str(mount.path), ""), *sorted(files)) for root, _, files in os.walk(mount.path)}
    assert ours == theirs
    assert len(os.listdir(mount.path / "many")) == 2500


def test_attributes(mount: Mounted) -> None:
    for name, data in _NAMES.items():
        status = (mount.path / name).stat()
        assert status.st_size == len(data)
        assert status.st_mtime_ns == 1_600_000_000_123_456_789
        assert status.st_mode == stat.S_IFREG | 0o444
        assert (status.st_uid, status.st_gid) == (os.getuid(), os.getgid())
    folder = (mount.path / "a folder").stat()
    assert stat.S_ISDIR(folder.st_mode)
    listed = {entry.name: entry.inode() for entry in os.scandir(mount.path)}
    assert all(listed[name] == os.stat(mount.path / name).st_ino for name in listed)


def test_reads_at_random_offsets(mount: Mounted) -> None:
    data, chosen = _NAMES["large.bin"], random.Random(3)
    descriptor = os.open(mount.path / "large.bin", os.O_RDONLY)
    try:
        for _ in range(300):
            start = chosen.randrange(_LARGE_BYTES + 5000)
            size = chosen.choice([1, 17, 4096, 70_000])
            assert os.pread(descriptor, size, start) == data[start : start + size]
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("sharing", ["MAP_SHARED", "MAP_PRIVATE"])
def test_mapped_reads(mount: Mounted, sharing: str) -> None:
    data = _NAMES["large.bin"]
    with (mount.path / "large.bin").open("rb") as file:
        flags = getattr(mmap, sharing)
        with mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ) as mapping:
            for start in (0, 5 << 20, _LARGE_BYTES - 10):
                assert mapping[start : start + 5000] == data[start : start + 5000]


def test_mapping_a_file_that_is_not_complete(source: Path, tmp_path: Path) -> None:
    """A fresh mount: the first to touch the large file is a mapping, then reads and another open join in."""
    data = _NAMES["large.bin"]
    with mounted(source, tmp_path) as mount, (mount.path / "large.bin").open("rb") as file:
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
            assert mapping[9 << 20 : (9 << 20) + 100] == data[9 << 20 : (9 << 20) + 100]
            assert (mount.path / "large.bin").read_bytes() == data
            assert mapping[:] == data
        assert file.read() == data
    assert find_mount(str(tmp_path / "mnt")) is None


def test_concurrent_readers_of_one_cold_file(source: Path, tmp_path: Path) -> None:
    wanted = hashlib.sha256(_NAMES["large.bin"]).hexdigest()
    with mounted(source, tmp_path) as mount:
        commands = [
            subprocess.Popen(["sha256sum", mount.path / "large.bin"], stdout=subprocess.PIPE, text=True)
            for _ in range(6)
        ]
        for command in commands:
            assert command.communicate(timeout=60)[0].split()[0] == wanted
        copies = [path for path in mount.cache.rglob("large.bin") if path.is_file()]
        assert len(copies) == 1
        assert filecmp.cmp(copies[0], source / "large.bin", shallow=False)


def test_tools_work(mount: Mounted, source: Path, tmp_path: Path) -> None:
    assert subprocess.run(["diff", "-r", source, mount.path], check=False, timeout=60).returncode == 0
    shutil.copytree(mount.path / "a folder", tmp_path / "copy")
    assert filecmp.dircmp(tmp_path / "copy", source / "a folder").diff_files == []
    found = subprocess.run(
        ["grep", "-rc", "line", mount.path / "a folder"], capture_output=True, text=True, check=False
    )
    assert ".log:1000" in found.stdout
    assert "mnt" in subprocess.run(["df", mount.path], capture_output=True, text=True, check=True).stdout
    run_python(
        """
        import os, sys
        status = os.statvfs(sys.argv[1])
        assert status.f_bavail * status.f_frsize > 1 << 30 and status.f_flag & os.ST_RDONLY
        assert status.f_namemax in (255, 1024)
        """,
        mount.path,
    )


def test_a_missing_name(mount: Mounted) -> None:
    for name in ("missing", "a folder/missing", "hello.txt/below", "missing/below"):
        with pytest.raises((FileNotFoundError, NotADirectoryError)):
            os.stat(mount.path / name)


def _writes(path: Path) -> dict[str, object]:
    file, folder = str(path / "hello.txt"), str(path / "a folder")
    return {
        "open for writing": lambda: os.open(file, os.O_WRONLY),
        "open for both": lambda: os.open(file, os.O_RDWR),
        "truncate at open": lambda: os.open(file, os.O_WRONLY | os.O_TRUNC),
        "create": lambda: os.open(f"{folder}/new", os.O_WRONLY | os.O_CREAT),
        "truncate": lambda: os.truncate(file, 0),
        "unlink": lambda: os.unlink(file),
        "mkdir": lambda: os.mkdir(f"{folder}/new"),
        "rmdir": lambda: os.rmdir(folder),
        "rename": lambda: os.rename(file, f"{folder}/new"),
        "link": lambda: os.link(file, f"{folder}/new"),
        "symlink": lambda: os.symlink(file, f"{folder}/new"),
        "mknod": lambda: os.mknod(f"{folder}/new"),
        "chmod": lambda: os.chmod(file, 0o777),
        "chown": lambda: os.chown(file, 1, 1),
        "utime": lambda: os.utime(file),
        "setxattr": lambda: os.setxattr(file, "user.a", b"b"),
        "removexattr": lambda: os.removexattr(file, "user.a"),
    }


@pytest.mark.parametrize("kind", sorted(_writes(Path())))
def test_every_kind_of_write_is_erofs(mount: Mounted, kind: str) -> None:
    write = _writes(mount.path)[kind]
    assert callable(write)
    with pytest.raises(OSError) as caught:
        write()
    assert caught.value.errno == errno.EROFS
    assert not os.access(mount.path / "hello.txt", os.W_OK)


def test_a_remote_change_shows_size_and_content_together_after_the_ttl(source: Path, tmp_path: Path) -> None:
    name = source / "changing"
    name.write_bytes(b"a" * 1000)
    with mounted(source, tmp_path, "--attr-ttl", "100ms") as mount:
        path = mount.path / "changing"
        old = path.open("rb")
        for letter, size in ((b"b", 5000), (b"c", 10), (b"d", 300_000), (b"e", 300_000)):
            replacement = source / "replacement"
            replacement.write_bytes(letter * size)
            os.replace(replacement, name)
            deadline = time.monotonic() + 20
            while (content := path.read_bytes()) != letter * size:
                assert len(set(content)) <= 1, "bytes of two versions"
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert path.stat().st_size == size
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
                assert mapping[:] == letter * size
        with old:
            assert old.read() == b"a" * 1000  # the version that was opened
            assert os.fstat(old.fileno()).st_size == 1000
        os.unlink(name)
        deadline = time.monotonic() + 20
        while path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_readers_during_changes_never_see_a_mixture(source: Path, tmp_path: Path) -> None:
    name, sizes = source / "hectic", [3000, 2_000_000, 50, 700_000]
    name.write_bytes(b"\0" * sizes[0])
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            replacement = source / "hectic.new"
            replacement.write_bytes(bytes([number % 256]) * sizes[number % 4])
            os.replace(replacement, name)

    with mounted(source, tmp_path, "--attr-ttl", "0", "-o", "complete_at_open=64k") as mount:
        changer = threading.Thread(target=change)
        changer.start()
        try:
            whole, deadline = 0, time.monotonic() + 60
            while whole < 60 and time.monotonic() < deadline:
                with contextlib.suppress(OSError), (mount.path / "hectic").open("rb") as file:
                    content = file.read()
                    size = os.fstat(file.fileno()).st_size
                    assert len(set(content)) <= 1, "bytes of two versions"
                    assert len(content) == size
                    assert size == sizes[content[0] % 4]
                    whole += 1
            assert whole == 60
        finally:
            stop.set()
            changer.join()
    os.unlink(name)


def test_new_files_appear_after_the_directory_ttl(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path, "--dir-ttl", "200ms") as mount:
        assert "appears" not in os.listdir(mount.path)
        (source / "appears").write_bytes(b"now")
        deadline = time.monotonic() + 20
        while "appears" not in os.listdir(mount.path):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert (mount.path / "appears").read_bytes() == b"now"
    (source / "appears").unlink()


def test_the_cache_survives_a_remount(source: Path, tmp_path: Path) -> None:
    for downloaded in (len(_NAMES["small.bin"]), 0):
        with mounted(source, tmp_path) as mount:
            assert (mount.path / "small.bin").read_bytes() == _NAMES["small.bin"]
        deadline = time.monotonic() + 20
        while "were downloaded" not in (last := (tmp_path / "mount.log").read_text().splitlines()[-1]):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert f"; {downloaded} bytes were downloaded" in last


def test_passthrough_reads_never_ask_the_daemon(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path) as mount, (mount.path / "small.bin").open("rb", buffering=0) as file:
        os.kill(mount.pid, signal.SIGSTOP)
        try:
            assert file.readall() == _NAMES["small.bin"]
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapping:
                assert mapping[:] == _NAMES["small.bin"]
        finally:
            os.kill(mount.pid, signal.SIGCONT)


def test_umount_command(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path) as mount:
        with (mount.path / "hello.txt").open("rb") as held:
            status, words = run_command(UMBRELLA, "umount", mount.path)
            assert status == 1
            assert "is in use" in words
            assert held.read() == b"hello\n"
            assert run_command(UMBRELLA, "umount", "--lazy", mount.path) == (0, "")
            assert os.listdir(mount.path) == []
        status, words = run_command(UMBRELLA, "umount", mount.path)
        assert status == 1
        assert "nothing is mounted there" in words


def test_a_file_read_by_the_daemon_and_held_open_survives_eviction(source: Path, tmp_path: Path) -> None:
    with mounted(source, tmp_path) as mount, (mount.path / "small.bin").open("rb") as held:
        shutil.rmtree(mount.cache / "data")
        assert held.read() == _NAMES["small.bin"]
        assert (mount.path / "small.bin").read_bytes() == _NAMES["small.bin"]
