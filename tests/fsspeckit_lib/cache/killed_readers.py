"""A process without threads that forks readers and kills them: run with `python -m`, for the test of kill -9.

Arguments: bucket folder, cache root. For each line on stdin (seconds to live, then keys) it forks a child that
opens the cache and reads, kills it after that time, and answers `dead`, or `done` when it had ended by itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import GatewayError


def main() -> None:
    folder, root = sys.argv[1:]
    for line in sys.stdin:
        seconds, *keys = line.split()
        ready, started = os.pipe()
        child = os.fork()
        if child == 0:
            _read(folder, root, keys, started)
            os._exit(0)
        os.close(started)
        os.read(ready, 1)
        os.close(ready)
        time.sleep(float(seconds))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        sys.stdout.write("dead\n" if os.WIFSIGNALED(status) else "done\n")
        sys.stdout.flush()


def _read(folder: str, root: str, keys: list[str], started: int) -> None:
    os.write(started, b"x")
    cache = Cache(CacheConfig(root, max_size_bytes=12_000_000, min_free_bytes=0, part_bytes=64 << 10))
    store = LocalObjects(folder)
    for key in keys:
        info = store.stat(key)
        assert isinstance(info, ObjectInfo)
        with contextlib.suppress(GatewayError):
            file = cache.open(store, info)
            file.prefetch(0, info.size_bytes)
            file.read(0, info.size_bytes)
            file.close()


if __name__ == "__main__":
    main()
