"""One large object through the mount: warm against the local disk, cold against obstore's own GETs and other mounts.

Warm: the object has been read once, so it lies in the cache (ours, and rclone's `--vfs-cache-mode full`). The local
disk is the cached copy itself, opened by its own path: the same bytes, the same pages, without the mount. (Another copy
of the file would differ by up to 30 % in mapped reads alone, by how the kernel happened to lay out its page cache.)

Cold: a fresh mount with an empty cache reads the object from beginning to end; obstore fetches it in parallel parts
into a file. In a virtual machine the host backs memory at first touch (2.5 s per GiB where this was written, twelve
times what writing to memory that was used before takes), so page cache of that size is used and freed before the clock
starts: what is measured is the mount, not the hypervisor.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import obstore
from obstore.store import S3Store

from benchmarks.mount_peers import juicefs, mounted, rclone, s3fs
from benchmarks.report import Row, row_of
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["cold_rows", "fill", "first_byte_row", "native_store", "warm_rows"]

BUCKET = "bench"
_KEY = "large.bin"
_CHUNK_BYTES = 1 << 20
_PAGE_BYTES = 4096
_PART_BYTES = 8 << 20
_PARALLEL = 8


def fill(server: SeaweedFS, root: str, size_bytes: int) -> None:
    """Put the object there."""
    original = f"{root}/original.bin"
    _write_random(original, size_bytes)
    with open(original, "rb") as file:
        obstore.put(native_store(server), _KEY, file, max_concurrency=2)
    os.unlink(original)


def warm_rows(root: str, server: SeaweedFS, runs: int) -> list[Row]:
    """Sequential, random and mapped reads: mount ÷ local disk, for ours, ours without passthrough, and rclone."""
    kinds: Sequence[tuple[str, str, float, float, Callable[[str], float]]] = [
        ("warm sequential read", "MB/s", 1e-6, 0.95, _sequential),
        ("warm random 4 KiB read", "reads/s", 1.0, 0.9, _random),
        ("warm random 4 KiB mmap", "reads/s", 1.0, 0.9, _mapped),
    ]
    with contextlib.ExitStack() as mounts:
        places = {"ours": f"{mounts.enter_context(mounted(server, BUCKET, f'{root}/warm'))}/{_KEY}"}
        _sequential(places["ours"])
        places["local"] = _cached_copy(f"{root}/warm/cache")
        daemon = mounts.enter_context(mounted(server, BUCKET, f"{root}/daemon", "-o", "passthrough=no"))
        places["daemon"] = f"{daemon}/{_KEY}"
        peer = mounts.enter_context(rclone(server, BUCKET, f"{root}/rclone"))
        if peer is not None:
            places["rclone"] = f"{peer}/{_KEY}"
        for path in places.values():
            _sequential(path)
        measured: dict[tuple[str, str], list[float]] = {}
        for number in range(runs):
            order = list(places)[:: 1 if number % 2 else -1]  # whoever comes second may find the processor warm
            for name, _, factor, _, measure in kinds:
                for place in order:
                    if place in {"ours", "local"} or measure is _sequential:
                        measured.setdefault((name, place), []).append(measure(places[place]) * factor)
    rows = [
        row_of(name, unit, measured[name, "ours"], measured[name, "local"], "local disk", goal)
        for name, unit, _, goal, _ in kinds
    ]
    name = kinds[0][0]
    rows.append(row_of(f"  {name}, no passthrough", "MB/s", measured[name, "daemon"], [1300.0] * runs, "1.3 GB/s", 1))
    if peer is not None:
        theirs = measured[name, "rclone"]
        rows.append(row_of(f"  {name}, no passthrough", "MB/s", measured[name, "daemon"], theirs, "rclone", 2))
    return rows


def cold_rows(root: str, server: SeaweedFS, size_bytes: int, runs: int) -> list[Row]:
    """Cold copy through the mount ÷ obstore into a file, and ÷ each other mount."""
    ours, direct = [], []
    theirs: dict[str, list[float]] = {}
    server.create_bucket("juice")
    with juicefs(server, "juice", f"{root}/juice") as place:
        if place is not None:
            with _kept(f"{root}/fresh.bin", size_bytes) as original:
                shutil.copyfile(original, f"{place}/{_KEY}")
    peers = {"rclone": rclone, "JuiceFS": juicefs, "s3fs": s3fs}
    for number in range(runs):
        with mounted(server, BUCKET, f"{root}/cold{number}") as mountpoint:
            _use_page_cache(f"{root}/used", size_bytes + (size_bytes >> 1))
            direct.append(_parallel_get_to_file(native_store(server), f"{root}/direct", size_bytes) * 1e-6)
            _use_page_cache(f"{root}/used", size_bytes + (size_bytes >> 1))
            ours.append(_sequential(f"{mountpoint}/{_KEY}") * 1e-6)
        shutil.rmtree(f"{root}/cold{number}", ignore_errors=True)
        for name, peer in peers.items():
            directory = f"{root}/juice" if peer is juicefs else f"{root}/peer"
            with peer(server, "juice" if peer is juicefs else BUCKET, directory) as found:
                if found is not None:
                    _use_page_cache(f"{root}/used", size_bytes + (size_bytes >> 1))
                    theirs.setdefault(name, []).append(_sequential(f"{found}/{_KEY}") * 1e-6)
            if peer is not juicefs:
                shutil.rmtree(directory, ignore_errors=True)
    goals = {"rclone": 1.5, "JuiceFS": 1.0, "s3fs": 1.0}
    what = f"cold read of {size_bytes >> 20} MiB"
    rows = [row_of(what, "MB/s", ours, direct, "obstore ranged GETs into a file", 0.9)]
    return rows + [row_of(f"  {what}", "MB/s", ours, found, name, goals[name]) for name, found in theirs.items()]


def first_byte_row(root: str, server: SeaweedFS, runs: int) -> Row:
    """Open and first byte of the cold object, its name known ÷ one small ranged GET. Per second: larger is better."""
    ours, theirs = [], []
    store = native_store(server)
    for number in range(runs * 3):
        with mounted(server, BUCKET, f"{root}/first{number}") as mountpoint:
            os.listdir(mountpoint)
            for _ in range(3):  # the connection is warm for both
                obstore.get_range(store, _KEY, start=4096, end=8192)
            started = time.perf_counter()
            obstore.get_range(store, _KEY, start=0, end=4096)
            theirs.append(1 / (time.perf_counter() - started))
            path = f"{mountpoint}/{_KEY}"
            with open(path, "rb", buffering=0) as file:
                os.pread(file.fileno(), 4096, 512 << 20 if os.fstat(file.fileno()).st_size > 1 << 29 else 99 << 20)
            started = time.perf_counter()
            with open(path, "rb", buffering=0) as file:
                file.read(4096)
            ours.append(1 / (time.perf_counter() - started))
        shutil.rmtree(f"{root}/first{number}", ignore_errors=True)
    return row_of("first byte of a cold large file", "1/s", ours, theirs, "small ranged GET", 0.5)


def native_store(server: SeaweedFS, bucket: str = BUCKET) -> S3Store:
    """Return obstore's own store of a bucket."""
    return S3Store(
        bucket,
        endpoint=server.endpoint_url,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region="us-east-1",
        client_options={"allow_http": True},
    )


def _cached_copy(cache: str) -> str:
    (found,) = (f"{folder}/{_KEY}" for folder, _, files in os.walk(f"{cache}/data") if _KEY in files)
    return found


@contextlib.contextmanager
def _kept(path: str, size_bytes: int) -> Iterator[str]:
    _write_random(path, size_bytes)
    try:
        yield path
    finally:
        os.unlink(path)


def _use_page_cache(path: str, size_bytes: int) -> None:
    """Write and delete a file, so that the memory it took is the next to be used; see the module's header."""
    _write_random(path, size_bytes)
    os.unlink(path)


def _write_random(path: str, size_bytes: int) -> None:
    block = os.urandom(8 << 20)
    with open(path, "wb") as file:
        for number in range(size_bytes // len(block)):
            file.write(number.to_bytes(8, "little") + block[8:])


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


def _parallel_get_to_file(store: S3Store, path: str, size_bytes: int) -> float:
    """Fetch the whole object in parallel parts into a new file; return bytes per second."""
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)

    def get(start: int) -> int:
        data = obstore.get_range(store, _KEY, start=start, end=min(start + _PART_BYTES, size_bytes))
        return os.pwrite(descriptor, data, start)

    try:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            started = time.perf_counter()
            total = sum(pool.map(get, range(0, size_bytes, _PART_BYTES)))
            return total / (time.perf_counter() - started)
    finally:
        os.close(descriptor)
        os.unlink(path)
