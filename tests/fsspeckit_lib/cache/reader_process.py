"""A process that reads files through a cache, for the tests of several processes: run with `python -m`.

Arguments: bucket folder, cache root, then keys. Prints one JSON line with what it got, and what it downloaded.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys

from fsspeckit_lib.cache import Cache, CacheConfig
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import ObjectInfo


def main() -> None:
    folder, root, *keys = sys.argv[1:]
    cache = Cache(CacheConfig(root, min_free_bytes=0, part_bytes=64 << 10))
    store = LocalObjects(folder)
    random.Random(len(keys)).shuffle(keys)
    digests = {}
    sys.stdout.write("started\n")
    sys.stdout.flush()
    for key in keys:
        info = store.stat(key)
        assert isinstance(info, ObjectInfo)
        file = cache.open(store, info)
        file.prefetch(0, info.size_bytes)
        digests[key] = hashlib.sha256(file.read(0, info.size_bytes)).hexdigest()
        file.close()
    cache.close()
    sys.stdout.write(json.dumps({"digests": digests, "downloaded": cache_downloaded(cache)}) + "\n")


def cache_downloaded(cache: Cache) -> int:
    """Return the bytes this process fetched; the counters outlive the index."""
    return cache._stats.snapshot(entries=0, size_bytes=0).bytes_from_remote


if __name__ == "__main__":
    main()
