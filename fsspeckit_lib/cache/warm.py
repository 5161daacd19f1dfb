"""Bringing many objects into the cache at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fsspeckit_lib.cache.storage import StorageCache
from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.errors import GatewayError

__all__ = ["Warmed", "warm"]

_STEP_BYTES = 64 << 20


@dataclass(slots=True)
class Warmed:
    """How it went: numbers of objects, and what failed with its error."""

    fetched: int = 0
    present: int = 0
    not_fitting: list[str] = field(default_factory=list)
    evicted: list[str] = field(default_factory=list)
    """What came, and made way for others of the same call."""
    failed: list[tuple[str, GatewayError]] = field(default_factory=list)


def warm(
    storage: StorageCache,
    infos: Sequence[ObjectInfo],
    *,
    parallel: int = 8,
    on_bytes: Callable[[int], object] = lambda _: None,
) -> Warmed:
    """Fetch objects whole, several at once; one failure does not keep the others from coming.

    Args:
        on_bytes: called with bytes that have become present (or are known not to), from several threads.
    """
    result = Warmed()

    def fetch(info: ObjectInfo) -> None:
        reported = 0
        try:
            file = storage.open(info)
            try:
                was_here = file.is_complete
                if was_here:
                    result.present += 1
                    return
                for start in range(0, info.size_bytes, _STEP_BYTES):
                    stop = min(start + _STEP_BYTES, info.size_bytes)
                    file.fetch(start, stop)
                    on_bytes(stop - start)
                    reported = stop
                if file.is_complete:
                    result.fetched += 1
                else:
                    result.not_fitting.append(info.key)
            finally:
                file.close()
        except GatewayError as error:
            result.failed.append((info.key, error))
        finally:
            on_bytes(info.size_bytes - reported)

    with ThreadPoolExecutor(max(1, parallel), thread_name_prefix="cache-warm") as pool:
        try:
            list(pool.map(fetch, infos))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    missing = {*result.not_fitting, *(key for key, _ in result.failed)}
    result.evicted = [info.key for info in infos if info.key not in missing and storage.cached_path(info) is None]
    return result
