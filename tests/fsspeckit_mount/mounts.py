"""Real mounts for tests: the command in a process of its own, or the server in this process on any storage.

Whatever happens, nothing stays mounted. Programs that look at a mount served by this very process must be processes of
their own where they could hold the interpreter's lock in the kernel (mmap); `run_python` starts one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import Buffer

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.objects import Entry, ObjectInfo, ObjectStore
from fsspeckit_lib.errors import GatewayError
from fsspeckit_mount.kernel.device import FuseDevice
from fsspeckit_mount.kernel.mounting import find_mount, mount, unmount
from fsspeckit_mount.kernel.negotiation import Wishes
from fsspeckit_mount.kernel.serve import FuseServer
from fsspeckit_mount.served import MountCache
from fsspeckit_mount.vfs.attributes import Ownership
from fsspeckit_mount.vfs.operations import VfsConfig, VirtualFileSystem

COMMAND = os.path.join(sysconfig.get_path("scripts"), "fsspeckit-mount")
UMBRELLA = os.path.join(sysconfig.get_path("scripts"), "fsspeckit")

NEEDS_FUSE = "needs root and /dev/fuse"
CAN_MOUNT = os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Mounted:
    """A mount made by the command."""

    path: Path
    cache: Path
    log: Path

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
                if b"fsspeckit_mount.daemon" in words and os.fsencode(self.path) in words:
                    return int(entry.name)
        raise AssertionError(f"no daemon serves {self.path}")


def run_command(*words: str | Path, timeout_s: float = 60, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command; return its exit status and what it wrote to stderr."""
    finished = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, **(env or {})},
    )
    return finished.returncode, finished.stderr


def run_python(program: str, *arguments: str | Path, timeout_s: float = 60) -> str:
    """Run a program in a fresh interpreter; return what it printed."""
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@contextlib.contextmanager
def mounted(source: str | Path, directory: Path, *options: str) -> Iterator[Mounted]:
    """Mount with the command, everything below `directory`; unmount at the end."""
    found = Mounted(directory / "mnt", directory / "cache", directory / "mount.log")
    with contextlib.suppress(FileExistsError):  # not exist_ok: that would look into a mount that is dead
        found.path.mkdir(parents=True)
    status, words = run_command(
        COMMAND, str(source), found.path, "--cache-dir", found.cache, "--log-file", found.log, *options
    )
    try:
        assert (status, words) == (0, "")
        yield found
    finally:
        clean(found.path)


def clean(path: Path) -> None:
    """Take away whatever is mounted at `path`, alive or dead."""
    while find_mount(os.path.realpath(path.parent) + "/" + path.name) is not None:
        try:
            unmount(str(path))
        except GatewayError:
            unmount(str(path), lazy=True)


class CountingDevice(FuseDevice):
    """A device that counts what the kernel asks, by opcode."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.asked: Counter[int] = Counter()

    def receive(self, buffer: bytearray) -> int:
        length = super().receive(buffer)
        if length:
            self.asked[int.from_bytes(buffer[4:8], sys.byteorder)] += 1
        return length


@dataclass(frozen=True)
class Serving:
    """A mount that this process serves, and what the kernel has asked it."""

    path: Path
    vfs: VirtualFileSystem
    asked: Counter[int]


@contextlib.contextmanager
def serving(
    store: ObjectStore,
    directory: Path,
    *,
    attribute_ttl_s: float = 1.0,
    directory_ttl_s: float = 30.0,
    complete_at_open_bytes: int = 1 << 20,
    passthrough: bool = True,
    prefixes_shadow_objects: bool = False,
) -> Iterator[Serving]:
    """Serve `store` from this process; unmount at the end, and fail every access that is still under way."""
    path = directory / "mnt"
    path.mkdir(parents=True)
    with contextlib.ExitStack() as cleanup:
        cache = Cache(CacheConfig(root=str(directory / "cache")))
        cleanup.callback(cache.close)
        device = CountingDevice(mount("test", str(path), allow_other=False, read_only=True))
        config = VfsConfig(
            Ownership(0, 0, time.time_ns()),
            attribute_ttl_s,
            directory_ttl_s,
            complete_at_open_bytes,
            prefixes_shadow_objects,
        )
        vfs = VirtualFileSystem(
            store, MountCache(cache.bind(store)), config, time.monotonic, device if passthrough else None
        )
        cleanup.callback(vfs.close)
        server = FuseServer(device, vfs, Wishes(1 << 20, passthrough, 1))
        loop = threading.Thread(target=server.serve, daemon=True)
        loop.start()
        try:
            yield Serving(path, vfs, device.asked)
        finally:
            clean(path)
            loop.join(5)
            device.close()


class FaultyStore:
    """A storage whose requests wait, fail or are counted, as a test says. Wraps any other."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.failure: GatewayError | None = None
        self.stalls: Callable[[str, str], bool] = lambda _request, _key: False
        self.gate = threading.Event()
        self.requests: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return self._store.url

    @property
    def namespace(self) -> tuple[str, ...]:
        return self._store.namespace

    @property
    def is_immutable(self) -> bool:
        return self._store.is_immutable

    def check(self) -> None:
        self._pass("stat", "")
        self._store.check()

    def stat(self, key: str) -> Entry:
        self._pass("stat", key)
        return self._store.stat(key)

    def list_directory(self, key: str) -> Iterator[Sequence[Entry]]:
        self._pass("list", key)
        return self._store.list_directory(key)

    def list_recursive(self, key: str) -> Iterator[Sequence[ObjectInfo]]:
        self._pass("walk", key)
        return self._store.list_recursive(key)

    def read_range(self, info: ObjectInfo, start: int, stop: int) -> bytes:
        self._pass("read", info.key)
        return bytes(memoryview(self._store.read_range(info, start, stop)))

    def get(self, key: str) -> tuple[ObjectInfo, Buffer]:
        self._pass("read", key)
        return self._store.get(key)

    def close(self) -> None:
        self._store.close()

    def _pass(self, request: str, key: str) -> None:
        self.requests.append((request, key))
        if self.stalls(request, key):
            assert self.gate.wait(60), "a stalled request was never let go"
        if self.failure is not None:
            raise self.failure


def kill(pid: int) -> None:
    """End a daemon as the out-of-memory killer would."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Tell whether a process is there and has not ended: one that nobody waits for stays as a zombie."""
    try:
        ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not ended or len(os.listdir(f"/proc/{pid}/task")) > 1  # its other threads hold its descriptors
    except (FileNotFoundError, ProcessLookupError):
        return False
