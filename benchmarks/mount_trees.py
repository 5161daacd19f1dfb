"""Many objects through the mount: small files, directories, metadata, memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import obstore
import psutil

from benchmarks.mount_peers import mounted, rclone
from benchmarks.mount_reads import native_store
from benchmarks.report import Row, row_of
from fsspeckit_lib.testing.proxy import FaultProxy, Stall
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["memory_rows", "small_file_rows", "tree_rows"]

_SMALL, _TREE, _STREAMS = "small", "tree", "streams"
_SMALL_BYTES = 16 << 10
_READER = """
import os, sys
for path in sys.argv[1:]:
    with open(path, "rb", buffering=0) as file:
        file.read()
"""
_LOOP = """
import os, sys, time
kind, paths = sys.argv[1], sys.argv[2:]
def opens():
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.read(descriptor, 4096)
        os.close(descriptor)
def stats():
    for path in paths:
        os.stat(path)
run = opens if kind == "opens" else stats
best = 0.0
run()
for _ in range(12):
    started = time.perf_counter()
    run()
    best = max(best, len(paths) / (time.perf_counter() - started))
print(best)
"""

_PING_PONG = """
import os, time
there, back = os.pipe(), os.pipe()
if os.fork() == 0:
    os.close(there[1])
    while byte := os.read(there[0], 1):
        os.write(back[1], byte)
    os._exit(0)
started, count = time.perf_counter(), 20000
for _ in range(count):
    os.write(there[1], b"x")
    os.read(back[0], 1)
print(count / (time.perf_counter() - started))
"""
"""What a question to another process costs at least: the kernel puts both to sleep and wakes them."""


def small_file_rows(root: str, server: SeaweedFS, runs: int) -> list[Row]:
    """1,000 files of 16 KB by 8 readers, cold ÷ rclone; then opens and stats a second, warm."""
    server.create_bucket(_SMALL)
    store = native_store(server, _SMALL)
    names = [f"d{number % 10}/f{number:04}" for number in range(1000)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: obstore.put(store, name, os.urandom(_SMALL_BYTES)), names))
    ours, theirs, opens, stats = [], [], [], []
    for number in range(runs):
        with mounted(server, _SMALL, f"{root}/small{number}") as mountpoint:
            ours.append(_read_all(mountpoint, names))
        shutil.rmtree(f"{root}/small{number}", ignore_errors=True)
        with rclone(server, _SMALL, f"{root}/small-rclone") as peer:
            if peer is not None:
                theirs.append(_read_all(peer, names))
        shutil.rmtree(f"{root}/small-rclone", ignore_errors=True)
    with mounted(server, _SMALL, f"{root}/rates", "--attr-ttl", "1h", "-o", "complete_at_open=1MiB") as mountpoint:
        paths = [f"{mountpoint}/{name}" for name in names]
        opens = [_rate("opens", paths) for _ in range(runs)]
    with mounted(server, _SMALL, f"{root}/stats", "--attr-ttl", "1h", "-o", "kernel_cache=no") as mountpoint:
        os.chdir(f"{mountpoint}/d0")  # a name is one question, a path one for each of its folders
        paths = [name.partition("/")[2] for name in names if name.startswith("d0/")]
        stats = [_rate("stats", paths * 10) for _ in range(runs)]
        os.chdir("/")
    trips = [float(_run(_PING_PONG)) for _ in range(runs)]
    rows = []
    if theirs:
        rows.append(row_of("1,000 files of 16 KB, cold, 8 readers", "files/s", ours, theirs, "rclone", 3))
    rows += _distant_rows(root, server, names, min(runs, 3))
    rows.append(row_of("cached open + read 4 KB + close", "1/s", opens, [15_000.0] * runs, "15,000/s", 1))
    rows.append(row_of("stat, kernel caches off", "1/s", stats, [30_000.0] * runs, "30,000/s", 1))
    rows.append(row_of("  stat, kernel caches off", "1/s", stats, trips, "a byte to another process and back", None))
    return rows


def _distant_rows(root: str, server: SeaweedFS, names: list[str], runs: int) -> list[Row]:
    """200 of these files by one reader, where every request takes 30 ms more: what a network costs."""
    chosen = sorted(names)[:200]
    ours, theirs = [], []
    with FaultProxy.start(server.endpoint_url, lambda _: Stall(0.03)) as proxy:
        distant = replace(server, endpoint_url=proxy.url)
        for number in range(runs):
            with mounted(distant, _SMALL, f"{root}/distant{number}") as mountpoint:
                ours.append(_read_all(mountpoint, chosen, readers=1))
            shutil.rmtree(f"{root}/distant{number}", ignore_errors=True)
            with rclone(distant, _SMALL, f"{root}/distant-rclone") as peer:
                if peer is not None:
                    theirs.append(_read_all(peer, chosen, readers=1))
            shutil.rmtree(f"{root}/distant-rclone", ignore_errors=True)
    return [row_of("  200 of them, 30 ms away, 1 reader", "files/s", ours, theirs, "rclone", 3)] if theirs else []


def tree_rows(root: str, server: SeaweedFS, objects: int, runs: int) -> list[Row]:
    """`find -type f -size +1k` over 1,000 directories: cold ÷ the same LISTs by obstore, warm ÷ rclone; memory."""
    server.create_bucket(_TREE)
    store = native_store(server, _TREE)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: obstore.put(store, f"d{n % 1000:03}/file-{n:06}", b"x"), range(objects)))
    cold, lists, warm, theirs, memory = [], [], [], [], []
    for number in range(runs):
        with mounted(server, _TREE, f"{root}/tree{number}", "--attr-ttl", "1h", "--dir-ttl", "1h") as mountpoint:
            started = time.perf_counter()
            prefixes = obstore.list_with_delimiter(store, return_arrow=True)["common_prefixes"]
            for prefix in prefixes:
                obstore.list_with_delimiter(store, prefix, return_arrow=True)
            lists.append(1 / (time.perf_counter() - started))
            cold.append(1 / _find(mountpoint))
            warm.append(1 / min(_find(mountpoint) for _ in range(3)))
            memory.append(_daemon(mountpoint).memory_info().rss / 1e6)
        shutil.rmtree(f"{root}/tree{number}", ignore_errors=True)
    with rclone(server, _TREE, f"{root}/tree-rclone", "--dir-cache-time", "1h") as peer:
        if peer is not None:
            _find(peer)
            theirs = [1 / min(_find(peer) for _ in range(3)) for _ in range(runs)]
    rows = [row_of(f"find over {objects:,} objects, cold", "1/s", cold, lists, "raw LISTs", 1 / 1.3)]
    if theirs:
        rows.append(row_of(f"find over {objects:,} objects, warm", "1/s", warm, theirs, "rclone", 10))
    inverse = [150 / used for used in memory]
    rows.append(row_of("  memory limit ÷ used after it", "", inverse, [1.0] * runs, "150 MB", 1))
    return rows


def memory_rows(root: str, server: SeaweedFS, size_bytes: int) -> list[Row]:
    """Resident memory of the daemon under 16 parallel cold sequential readers; the limit ÷ what was used."""
    server.create_bucket(_STREAMS)
    store = native_store(server, _STREAMS)
    block = os.urandom(size_bytes)
    for number in range(16):
        obstore.put(store, f"s{number:02}", block)
    with mounted(server, _STREAMS, f"{root}/streams") as mountpoint:
        daemon = _daemon(mountpoint)
        command = [
            sys.executable,
            "-c",
            "import sys\nwith open(sys.argv[1], 'rb', 0) as f:\n while f.read(1 << 20): pass",
        ]
        readers = [subprocess.Popen([*command, f"{mountpoint}/s{number:02}"]) for number in range(16)]
        most = 0.0
        while any(reader.poll() is None for reader in readers):
            most = max(most, daemon.memory_info().rss / 1e6)
            time.sleep(0.02)
    shutil.rmtree(f"{root}/streams", ignore_errors=True)
    return [row_of("memory limit ÷ used, 16 cold readers", "", [400 / most], [1.0], "400 MB", 1)]


def _read_all(mountpoint: str, names: list[str], readers: int = 8) -> float:
    started = time.perf_counter()
    running = [
        subprocess.Popen([sys.executable, "-c", _READER, *(f"{mountpoint}/{name}" for name in names[first::readers])])
        for first in range(readers)
    ]
    for reader in running:
        assert reader.wait() == 0
    return len(names) / (time.perf_counter() - started)


def _rate(kind: str, paths: list[str]) -> float:
    return float(_run(_LOOP, kind, *paths))


def _run(program: str, *words: str) -> str:
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True).stdout


def _find(mountpoint: str) -> float:
    started = time.perf_counter()
    subprocess.run(["find", mountpoint, "-type", "f", "-size", "+1k"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _daemon(mountpoint: str) -> psutil.Process:
    is_ours: Callable[[list[str]], bool] = lambda words: "fsspeckit_mount.daemon" in words and mountpoint in words  # noqa: E731
    return next(found for found in psutil.process_iter(["cmdline"]) if is_ours(found.info["cmdline"] or []))
