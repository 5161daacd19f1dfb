"""One mount as a process: storage → cache → virtual file system → kernel, from start to unmount.

Main thread: starts everything, then waits for a signal or for the end of the mount. A thread of its own answers the
kernel, so signals never interrupt an answer. As `python -m fsspeckit_mount.daemon` it is the background process of
`fsspeckit-mount`: it reads its `MountConfig` from standard input and reports on a pipe once, when the mount answers or
has failed. It is a fresh process and never a fork: obstore's threads do not survive one.

If this process dies, the kernel fails every access with ENOTCONN. The mountpoint never looks empty.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from fsspeckit_lib.cache import Cache
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.errors import BadInput, Conflict, GatewayError, Internal, Unavailable, UnknownName
from fsspeckit_lib.service.logs import configure_logging
from fsspeckit_lib.service.notify import notify
from fsspeckit_lib.service.settings import Settings, cache_config, load_settings
from fsspeckit_mount.config import MOUNT_OPTIONS, MountConfig
from fsspeckit_mount.kernel.device import FuseDevice
from fsspeckit_mount.kernel.mounting import mount, prepare_mountpoint, raise_readahead, stack_depth_for, unmount
from fsspeckit_mount.kernel.negotiation import Wishes
from fsspeckit_mount.kernel.serve import FuseServer
from fsspeckit_mount.vfs.attributes import Ownership
from fsspeckit_mount.vfs.operations import VfsConfig, VirtualFileSystem

__all__ = ["Report", "main", "run"]

_log = logging.getLogger("fsspeckit_mount.daemon")  # also when run as __main__

_MAX_IO_BYTES = 1 << 20  # 256 pages: fs.fuse.max_pages_limit, unless an administrator raised it
_GRACE_S = 10.0
"""How long files that are still open may be read after the unmount was asked for."""
_UNMOUNTED, _FAILED = "unmounted", "failed"
_OBJECT_STORAGES = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "azure", "oss", "cos", "obs", "r2"}
)
"""Storages where an object `a` and keys `a/…` can exist side by side."""


@dataclass(frozen=True, slots=True)
class Report:
    """How the start went: `problem` is None once the mount answers, else one line for the person who asked."""

    problem: str | None
    is_usage: bool = False

    def to_json(self) -> str:
        """Return one line."""
        return json.dumps({"problem": self.problem, "is_usage": self.is_usage})

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Return what `to_json` wrote."""
        values = json.loads(text)
        return cls(values["problem"], bool(values["is_usage"]))

    def raise_problem(self) -> None:
        """Raise the problem, if there was one, as the error whose exit status fits."""
        if self.problem is not None:
            raise BadInput(self.problem) if self.is_usage else Unavailable(self.problem)


def run(config: MountConfig, on_ready: Callable[[], None]) -> None:
    """Mount, call `on_ready` once the mount answers, serve until it is unmounted or a signal asks for the end.

    Raises:
        GatewayError: it could not be mounted; nothing is left mounted.
    """
    with ExitStack() as cleanup:
        settings = load_settings(config.config_path)
        mountpoint = prepare_mountpoint(config.mountpoint)
        source = _open_source(settings, config)
        cleanup.callback(source.close)
        bounds = cache_config(settings, config.cache_dir, config.cache_size_bytes)
        _refuse_loops(mountpoint, source, bounds.root)
        if bounds.when_offline == "fail":
            source.check()  # before a folder is made for the cache
        cache = Cache(bounds)
        cleanup.callback(cache.close)
        store = cache.resilient(source)
        if store is not source:
            store.check()

        signals: queue.SimpleQueue[str] = queue.SimpleQueue()  # its put() is safe in a signal handler
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # until here they end the process as usual
            signal.signal(number, lambda caught, _frame: signals.put(signal.Signals(caught).name))
        device = FuseDevice(mount(store.url, mountpoint, allow_other=config.allow_other, read_only=True))
        cleanup.callback(device.close)
        vfs = VirtualFileSystem(
            store,
            cache.bind(store),
            _vfs_config(config, store),
            time.monotonic,
            device if config.passthrough else None,
        )
        cleanup.callback(vfs.close)
        server = FuseServer(device, vfs, Wishes(_MAX_IO_BYTES, config.passthrough, stack_depth_for(bounds.root)))
        loop = _start_loop(server, device, signals)
        try:
            _wait_until_it_answers(mountpoint, loop)
            raise_readahead(mountpoint, config.readahead_bytes >> 10)
            _log.info("mounted %s at %s, cache %s", store.url, mountpoint, bounds.root)
            on_ready()
            notify(f"READY=1\nSTATUS=serving {store.url} at {mountpoint}")
            reason = signals.get()
        except BaseException:
            _leave(mountpoint, loop)
            raise
        notify("STOPPING=1")
        if reason == _FAILED:  # the mount stays, dead: every access fails, nothing looks empty
            raise Internal(f"mountpoint {mountpoint}: the loop that answers the kernel failed; the log has the details")
        if reason != _UNMOUNTED:
            _log.info("%s: unmounting %s", reason, mountpoint)
            _leave(mountpoint, loop)
        stats = cache.stats()
        _log.info(
            "unmounted %s; %d bytes were downloaded, %d bytes are cached",
            mountpoint, stats.bytes_from_remote, stats.size_bytes,
        )  # fmt: skip


def _open_source(settings: Settings, config: MountConfig) -> ObjectStore:
    try:
        return settings.open_source(config.source, config.options)
    except UnknownName as error:
        if any(repr(name) in str(error) for name in config.options):  # it may have been meant for the mount
            raise UnknownName(f"{error}; of the mount itself: {', '.join(MOUNT_OPTIONS)}") from error
        raise


def _vfs_config(config: MountConfig, store: ObjectStore) -> VfsConfig:
    return VfsConfig(
        ownership=Ownership(os.getuid(), os.getgid(), time.time_ns()),
        attribute_ttl_s=config.attribute_ttl_s,
        directory_ttl_s=config.directory_ttl_s,
        complete_at_open_bytes=config.complete_at_open_bytes,
        prefixes_shadow_objects=store.url.partition("://")[0] in _OBJECT_STORAGES,
    )


def _refuse_loops(mountpoint: str, store: ObjectStore, cache_root: str) -> None:
    """Refuse a mount that would read itself: its own source or cache below it, or itself below its source."""
    if _is_below(os.path.realpath(cache_root), mountpoint):
        raise BadInput(f"--cache-dir {cache_root}: lies below the mountpoint {mountpoint}; name a place outside of it")
    scheme, _, path = store.url.partition("://")
    if scheme != "file":
        return
    path = os.path.realpath(path)
    if _is_below(mountpoint, path) or _is_below(path, mountpoint):
        raise BadInput(f"mountpoint {mountpoint}: and the source {path} lie one below the other; keep them apart")
    cache_path = os.path.realpath(cache_root)
    if _is_below(cache_path, path) or _is_below(path, cache_path):
        raise BadInput(f"--cache-dir {cache_root}: and the source {path} lie one below the other; name a place apart")


def _is_below(path: str, directory: str) -> bool:
    return os.path.commonpath([path, directory]) == directory


def _start_loop(server: FuseServer, device: FuseDevice, signals: queue.SimpleQueue[str]) -> threading.Thread:
    def loop() -> None:
        try:
            server.serve()
        except BaseException:  # noqa: BLE001 - the edge of the daemon's loop
            _log.exception("the loop that answers the kernel failed")
            device.close()  # whoever waits for an answer, this process included, gets ENOTCONN
            signals.put(_FAILED)
        else:
            signals.put(_UNMOUNTED)

    thread = threading.Thread(target=loop, name="kernel", daemon=True)
    thread.start()
    return thread


def _wait_until_it_answers(mountpoint: str, loop: threading.Thread) -> None:
    """Look at the mounted root as any program would. The kernel holds the question until INIT is answered."""
    try:
        os.stat(mountpoint)
    except OSError as error:
        raise Unavailable(f"mountpoint {mountpoint}: does not answer after the mount: {error.strerror}") from error
    if not loop.is_alive():
        raise Internal(f"mountpoint {mountpoint}: the mount ended at once; see the log")


def _leave(mountpoint: str, loop: threading.Thread) -> None:
    """Unmount; where files are still open, take the name away and let their readers finish for a while."""
    try:
        try:
            unmount(mountpoint)
        except Conflict:
            unmount(mountpoint, lazy=True)
            _log.info("%s is in use: its open files can be read for %.0f s more", mountpoint, _GRACE_S)
    except GatewayError as error:
        _log.warning("%s", error)  # somebody else unmounted it meanwhile, or may not be asked
        return
    loop.join(_GRACE_S)


def main() -> None:
    """Run as the background process; see the module's header."""
    report_fd = int(sys.argv[1])
    config = MountConfig.from_json(sys.stdin.read())

    def report(outcome: Report) -> None:
        os.write(report_fd, outcome.to_json().encode())
        os.close(report_fd)

    ready = False

    def on_ready() -> None:
        nonlocal ready
        ready = True
        os.chdir("/")  # a daemon holds no directory; until here a relative SOURCE was one
        report(Report(None))

    try:
        configure_logging(config.log_level, config.log_path)
        _send_stderr_to(config.log_path)
        run(config, on_ready)
    except GatewayError as error:
        _log.error("%s", error)
        if not ready:
            report(Report(str(error), isinstance(error, BadInput)))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the edge of the process
        _log.exception("the mount failed")
        if not ready:
            report(Report(f"internal error: {type(error).__name__}; the log has the details: {config.log_path}"))
        sys.exit(1)


def _send_stderr_to(log_path: str | None) -> None:
    """Let what libraries print on stderr follow the log; the command that started us does not read it for ever."""
    if log_path is not None:
        log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.dup2(log, 2)
        os.close(log)


if __name__ == "__main__":
    main()
