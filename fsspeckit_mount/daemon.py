"""The process of one mount or several: from start to the last unmount.

Main thread: starts everything, then waits for a signal or for the end of the mounts. Threads of their own answer the
kernel, so signals never interrupt an answer. As `python -m fsspeckit_mount.daemon` it is the background process of
`fsspeckit-mount`: it reads its `DaemonConfig` from standard input and reports on a pipe once, when every mount answers
or one has failed. It is a fresh process and never a fork: obstore's threads do not survive one.

If this process dies, the kernel fails every access with ENOTCONN. The mountpoints never look empty.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import queue
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from fsspeckit_lib.cache import Cache
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.errors import BadInput, GatewayError, Internal, Unavailable
from fsspeckit_lib.service.logs import configure_logging
from fsspeckit_lib.service.notify import notify
from fsspeckit_lib.service.settings import cache_config, load_settings
from fsspeckit_mount.config import DaemonConfig
from fsspeckit_mount.kernel.mounting import prepare_mountpoint
from fsspeckit_mount.served import ServedMount, open_store_of, with_links

__all__ = ["LOG_BURST", "Report", "main", "run"]

_log = logging.getLogger("fsspeckit_mount.daemon")  # also when run as __main__


_M_ARENA_MAX = -8
LOG_BURST = 20
"""Warnings of one kind that are written in a minute: each request that fails in an outage would write one."""
_UNMOUNTED, _FAILED = "unmounted", "failed"


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


def run(config: DaemonConfig, on_ready: Callable[[], None]) -> None:
    """Mount, call `on_ready` once every mount answers, serve until all are unmounted or a signal asks for the end.

    Raises:
        GatewayError: one could not be mounted; nothing is left mounted.
    """
    _allow_many_files()
    _keep_arenas_few()
    with ExitStack() as cleanup:
        settings = load_settings(config.config_path)
        mountpoints = [prepare_mountpoint(mount.mountpoint) for mount in config.mounts]
        for mountpoint in mountpoints:
            if mountpoints.count(mountpoint) > 1:  # by way of a link; the configuration has compared the names
                raise BadInput(f"mountpoint {mountpoint}: is named twice; give each mount a directory of its own")
        sources = []
        for mount in config.mounts:
            sources.append(open_store_of(settings, mount))
            cleanup.callback(sources[-1].close)
        bounds = cache_config(settings, config.cache_dir, config.cache_size_bytes)
        for mountpoint, source in zip(mountpoints, sources, strict=True):
            _refuse_loops(mountpoint, source, bounds.root)
            if bounds.when_offline == "fail":
                source.check()  # before a folder is made for the cache
        cache = Cache(bounds)
        cleanup.callback(cache.close)
        shown = [with_links(source) for source in sources]
        stores = [cache.resilient(source) for source in shown]
        for store, source in zip(stores, shown, strict=True):
            if store is not source:
                store.check()

        events: queue.SimpleQueue[str] = queue.SimpleQueue()  # its put() is safe in a signal handler
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # until here they end the process as usual
            signal.signal(number, lambda caught, _frame: events.put(signal.Signals(caught).name))
        served: list[ServedMount] = []
        try:
            for mount, mountpoint, store in zip(config.mounts, mountpoints, stores, strict=True):
                one = ServedMount(mount, mountpoint, store, cache)
                cleanup.callback(one.close)
                served.append(one)
                one.start(lambda failed: events.put(_FAILED if failed else _UNMOUNTED))
            on_ready()
            notify(f"READY=1\nSTATUS=serving {', '.join(mountpoints)}")
            reason = _wait(events, len(served))
        except BaseException:
            for one in served:
                one.leave()
            raise
        notify("STOPPING=1")
        if reason == _FAILED:  # the mount stays, dead: every access fails, nothing looks empty
            raise Internal("mount: the loop that answers the kernel failed; the log has the details")
        if reason != _UNMOUNTED:
            _log.info("%s: unmounting %s", reason, ", ".join(mountpoints))
            for one in served:
                if not one.has_ended:
                    one.leave()
        stats = cache.stats()
        _log.info(
            "unmounted %s; %d bytes were downloaded, %d bytes are cached",
            ", ".join(mountpoints), stats.bytes_from_remote, stats.size_bytes,
        )  # fmt: skip


def _allow_many_files() -> None:
    """Use the hard limit of open files: each open file of the mounts is one of ours, and shells start with 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _keep_arenas_few() -> None:
    """Let all threads share two of glibc's heaps: with one each, what they free is kept and of no use to the others.

    16 cold readers: 392 MB resident, so 305 MB. Source: mallopt(3). Another C library has no such call.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _wait(events: queue.SimpleQueue[str], mounts: int) -> str:
    """Return why to end: a signal, a failure, or that the last mount was unmounted."""
    while True:
        event = events.get()
        if event == _UNMOUNTED:
            mounts -= 1
            if mounts:
                continue
        return event


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


def main() -> None:
    """Run as the background process; see the module's header."""
    report_fd = int(sys.argv[1])
    config = DaemonConfig.from_json(sys.stdin.read())

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
        configure_logging(config.log_level, config.log_path, burst=LOG_BURST)
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
