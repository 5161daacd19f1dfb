"""One mount of the daemon: storage → cache → virtual file system → driver, and what may be asked about it.

The driver is the way to the kernel: `KernelDriver` here, on /dev/fuse, or `libfuse`. Both serve the same virtual file
system.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from fsspeckit_lib.cache import Cache
from fsspeckit_lib.cache.storage import StorageCache
from fsspeckit_lib.core.endpoints import endpoints
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.errors import (
    BadInput,
    Conflict,
    GatewayError,
    Internal,
    NotFound,
    Unavailable,
    UnknownName,
    Unsupported,
)
from fsspeckit_lib.service.settings import Settings
from fsspeckit_mount.config import MountConfig
from fsspeckit_mount.control import CONTROL_COMMAND, pack_answer, unpack_question
from fsspeckit_mount.kernel.device import FuseDevice
from fsspeckit_mount.kernel.mounting import mount, raise_readahead, stack_depth_for, unmount
from fsspeckit_mount.kernel.negotiation import Wishes
from fsspeckit_mount.kernel.serve import FuseServer
from fsspeckit_mount.options import unknown_option
from fsspeckit_mount.poll import ChangePoll
from fsspeckit_mount.vfs.attributes import Ownership
from fsspeckit_mount.vfs.operations import VfsConfig, VirtualFileSystem
from fsspeckit_mount.vfs.ports import LocalFile, TellsChanges

__all__ = ["Driver", "KernelDriver", "MountCache", "ServedMount", "open_store_of", "with_links"]

_log = logging.getLogger("fsspeckit_mount.daemon")

_MAX_IO_BYTES = 1 << 20  # 256 pages: fs.fuse.max_pages_limit, unless an administrator raised it
_GRACE_S = 10.0
"""How long files that are still open may be read after the unmount was asked for."""
_OBJECT_STORAGES = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "azure", "oss", "cos", "obs", "r2"}
)
"""Storages where an object `a` and keys `a/…` can exist side by side, and a prefix exists with its first key."""


class Driver(Protocol):
    """A way to the kernel."""

    name: str

    def start(self, on_end: Callable[[bool], None]) -> None:
        """Mount and answer in threads of its own; `on_end(failed)` is called when that is over."""
        ...

    def believe_nothing(self, path: str) -> None:
        """Make the kernel ask again for what it knows at or below a path, as far as the driver can."""
        ...

    def status(self) -> dict[str, Any]:
        """Return what `fsspeckit mount status` shows of it."""
        ...

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended."""
        ...

    def close(self) -> None:
        """Fail whatever is still asked."""
        ...


class KernelDriver:
    """/dev/fuse, spoken by ourselves."""

    name = "kernel"

    def __init__(self, device: FuseDevice, server: FuseServer, *, wants_passthrough: bool) -> None:
        self._device = device
        self._server = server
        self._wants_passthrough = wants_passthrough
        self._thread: threading.Thread | None = None

    def start(self, on_end: Callable[[bool], None]) -> None:
        def loop() -> None:
            try:
                self._server.serve()
            except BaseException:  # noqa: BLE001 - the edge of the daemon's loop
                _log.exception("the loop that answers the kernel failed")
                self._device.close()  # whoever waits for an answer, this process included, gets ENOTCONN
                on_end(True)
            else:
                on_end(False)

        self._thread = threading.Thread(target=loop, name="kernel", daemon=True)
        self._thread.start()

    def believe_nothing(self, path: str) -> None:
        self._server.believe_nothing(path)

    def status(self) -> dict[str, Any]:
        agreement = self._server.agreement
        offered = agreement is not None and agreement.passthrough
        reason = self._device.refusal if offered else "the kernel has none (it is older than Linux 6.9)"
        if not self._wants_passthrough:
            reason = "-o passthrough=no"
        return {
            "protocol": f"7.{agreement.minor}" if agreement is not None else None,
            "passthrough": "yes" if not reason else f"no: {reason}",
            "worker_threads": self._server.thread_count,
        }

    def join(self, timeout_s: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout_s)

    def close(self) -> None:
        self._device.close()


def open_store_of(settings: Settings, config: MountConfig) -> ObjectStore:
    """Return the storage of a mount; makes no request.

    Raises:
        BadInput: it cannot be meant; names the known options where one is unknown.
    """
    try:
        return settings.open_path(config.source, config.path, config.storage_options)
    except UnknownName as error:
        if error.name in config.storage_options:  # it may have been meant for the mount
            raise unknown_option(error) from error
        raise


def with_links(store: ObjectStore) -> ObjectStore:
    """Return a view of the storage that shows symbolic links and programs as such, where it knows them."""
    view: Callable[[], ObjectStore] | None = getattr(store, "with_links", None)
    return store if view is None else view()


class ServedMount:
    """One mount while it is served."""

    def __init__(self, config: MountConfig, mountpoint: str, store: ObjectStore, cache: Cache) -> None:
        """Mount nothing yet; `store` has been checked."""
        self.config = config
        self.mountpoint = mountpoint
        self._store = store
        self._cache = cache
        self._started_s = time.monotonic()
        self._ended = threading.Event()
        options = config.options
        self._check_prefix()
        device: FuseDevice | None = None
        if options.driver == "kernel" or (options.driver == "auto" and sys.platform == "linux"):
            fd = mount(store.url, mountpoint, allow_other=options.allow_other, read_only=True, no_exec=options.no_exec)
            device = FuseDevice(fd)
        self.vfs = VirtualFileSystem(
            self._store,
            MountCache(cache.bind(self._store)),
            self._vfs_config(),
            time.monotonic,
            device if options.passthrough else None,
        )
        self.driver: Driver
        if device is not None:
            wishes = Wishes(_MAX_IO_BYTES, options.passthrough, stack_depth_for(cache.config.root))
            control = (CONTROL_COMMAND, self._answer)
            server = FuseServer(device, self.vfs, wishes, control, xattrs=options.xattrs)
            self.driver = KernelDriver(device, server, wants_passthrough=options.passthrough)
        else:
            from fsspeckit_mount.libfuse import LibfuseDriver  # loads libfuse3, which need not be there otherwise

            self.driver = LibfuseDriver(self.vfs, mountpoint, store.url, options, (CONTROL_COMMAND, self._answer))
        self._poll = self._make_poll()

    def start(self, on_end: Callable[[bool], None]) -> None:
        """Answer the kernel; return once the mount answers.

        Raises:
            Unavailable, Internal: it does not.
        """

        def end(failed: bool) -> None:
            self._ended.set()
            on_end(failed)

        self.driver.start(end)
        try:
            os.stat(self.mountpoint)  # the kernel holds the question until INIT is answered
        except OSError as error:
            raise Unavailable(
                f"mountpoint {self.mountpoint}: does not answer after the mount: {error.strerror}"
            ) from error
        if self.has_ended:
            raise Internal(f"mountpoint {self.mountpoint}: the mount ended at once; see the log")
        threading.Thread(target=self._trim, name="trim", daemon=True).start()
        raise_readahead(self.mountpoint, self.config.options.readahead_bytes >> 10)
        if self._poll is not None:
            self._poll.start()
        _log.info("mounted %s at %s, cache %s", self._store.url, self.mountpoint, self._cache.config.root)

    def _trim(self) -> None:
        while not self._ended.wait(1.0):
            self.vfs.trim()

    @property
    def has_ended(self) -> bool:
        """Whether the kernel has gone: somebody unmounted it."""
        return self._ended.is_set()

    def leave(self) -> None:
        """Unmount; where files are still open, take the name away and let their readers finish for a while."""
        try:
            try:
                unmount(self.mountpoint)
            except Conflict:
                unmount(self.mountpoint, lazy=True)
                _log.info("%s is in use: its open files can be read for %.0f s more", self.mountpoint, _GRACE_S)
        except GatewayError as error:
            _log.warning("%s", error)  # somebody else unmounted it meanwhile, or may not be asked
            return
        self.driver.join(_GRACE_S)

    def close(self) -> None:
        """Close everything that is open."""
        if self._poll is not None:
            self._poll.stop()
        self.vfs.close()
        self.driver.close()

    def refresh(self, path: str) -> int:
        """Believe nothing at or below a path any more, here and in the kernel; return how much that is."""
        dropped = self.vfs.refresh(path)
        self.driver.believe_nothing(path)
        return dropped

    def status(self) -> dict[str, Any]:
        """Return everything there is to say about the mount."""
        stats = self._cache.stats()
        offline = bool(getattr(self._store, "is_offline", False))
        return {
            "source": self._store.url,
            "mountpoint": self.mountpoint,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - self._started_s, 1),
            "driver": self.driver.name,
            **self.driver.status(),
            "storage": "stale: it cannot be reached, and is served as it was" if offline else "as it is now",
            "changes": "asked for by name" if self._poll is None else self._poll.describe(),
            "endpoints": [
                {
                    "name": found.name,
                    "circuit": found.state.value,
                    "failures": found.failures,
                    "refused": found.refused,
                    "last_failure": found.last_failure[:300],
                }
                for found in endpoints()[:20]
            ],
            "open": {mode.value: count for mode, count in self.vfs.handles.modes().items()},
            "inodes": len(self.vfs.inodes),
            "listed_entries": self.vfs.entry_count(),
            "prefetch_bytes": self.vfs.readahead.in_flight_bytes,
            "prefetch_budget_bytes": self.config.options.prefetch_bytes,
            "cache": {
                "root": self._cache.config.root,
                "size_bytes": stats.size_bytes,
                "max_size_bytes": self._cache.config.max_size_bytes,
                "hits": stats.hits,
                "misses": stats.misses,
                "downloaded_bytes": stats.bytes_from_remote,
                "failed_downloads": stats.failed_downloads,
                "stale_serves": stats.stale_serves,
            },
        }

    def _answer(self, question: bytes) -> bytes:
        verb, argument = unpack_question(question)
        if verb == "status":
            return pack_answer(self.status())
        if verb == "refresh":
            return pack_answer({"dropped": self.refresh(argument)})
        raise Unsupported(f"mount: asked for {verb!r}, wanted status or refresh")

    def _check_prefix(self) -> None:
        """Refuse a prefix that nothing lies below: a misspelt one would look like an empty directory."""
        scheme, _, path = self._store.url.partition("://")
        if scheme not in _OBJECT_STORAGES or "/" not in path.strip("/") or self.config.options.missing == "empty":
            return
        try:
            found = next(iter(self._store.list_recursive("")), ())
        except NotFound:
            found = ()
        except (Unsupported, Unavailable):
            return  # there is something, or nobody can tell (an outage in stale mode)
        if not found:
            raise BadInput(
                f"{self._store.url}: nothing lies below this prefix; check the spelling, or show it as an empty "
                "directory until something does: -o missing=empty"
            )

    def _vfs_config(self) -> VfsConfig:
        options = self.config.options
        return VfsConfig(
            ownership=Ownership(
                os.getuid() if options.uid is None else options.uid,
                os.getgid() if options.gid is None else options.gid,
                time.time_ns(),
                options.file_mode & ~options.umask,
                options.directory_mode & ~options.umask,
            ),
            attribute_ttl_s=options.attribute_ttl_s,
            directory_ttl_s=options.directory_ttl_s,
            complete_at_open_bytes=options.complete_at_open_bytes,
            prefixes_shadow_objects=self._store.url.partition("://")[0] in _OBJECT_STORAGES,
            prefetch_bytes=options.prefetch_bytes,
            kernel_cache=options.kernel_cache,
        )

    def _make_poll(self) -> ChangePoll | None:
        every_s = self.config.options.poll_s
        store = getattr(self._store, "inner", self._store)  # whom an answer from memory would tell of no change
        if every_s == 0.0 or not isinstance(store, TellsChanges):
            return None
        every_s = store.change_poll_s if every_s is None else every_s
        return ChangePoll(store, every_s, lambda: self.refresh("")) if every_s > 0 else None


class MountCache:
    """The cache as the virtual file system wants it."""

    def __init__(self, storage: StorageCache) -> None:
        self._storage = storage

    def open(self, info: ObjectInfo) -> LocalFile:
        return self._storage.open(info)

    def cached_path(self, info: ObjectInfo) -> str | None:
        return self._storage.cached_path(info)

    def space(self) -> tuple[int, int]:
        """Return size and use of the storage's quota, else of the whole cache."""
        cache = self._storage.cache
        name = ("/".join(self._storage.store.namespace) + "/").encode(errors="surrogatepass")
        quotas = [use for use in cache.index.bounds.quotas() if name.startswith(use.id)]
        if quotas:
            tightest = min(quotas, key=lambda use: use.max_size_bytes)
            return tightest.max_size_bytes, tightest.size_bytes
        return cache.config.max_size_bytes, cache.used_bytes()
