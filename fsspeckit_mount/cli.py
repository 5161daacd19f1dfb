"""The commands `fsspeckit-mount`, `fsspeckit mount` and `fsspeckit umount`.

Text becomes a `MountConfig` here. In the background case a fresh process does the work.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NoReturn

import click

from fsspeckit_lib.common.units import parse_duration, parse_size
from fsspeckit_lib.errors import Conflict, GatewayError, NotFound, Unavailable
from fsspeckit_lib.service.command import run_command
from fsspeckit_mount.config import DRIVERS, MountConfig, split_mount_options

__all__ = ["main", "mount", "umount"]


class _Size(click.ParamType[int]):
    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_size(value)
        except GatewayError as error:
            self.fail(str(error), param, ctx)


class _Duration(click.ParamType[float]):
    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return parse_duration(value)
        except GatewayError as error:
            self.fail(str(error), param, ctx)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source")
@click.argument("mountpoint")
@click.option("-o", "options", multiple=True, metavar="K=V,…", help="Options of the storage, and of the mount (below).")
@click.option("--config", "config_path", metavar="FILE", help="fsspeckit.yaml, for storages by name and the cache.")
@click.option("--read-only", is_flag=True, help="Refuse every write; the only mode of this version.")
@click.option("--foreground", is_flag=True, help="Stay in the foreground and log to stderr.")
@click.option("--cache-dir", metavar="D", help="Where the cached copies lie.  [default: ~/.cache/fsspeckit]")
@click.option("--cache-size", type=_Size(), metavar="SIZE", help="Most bytes of cached copies.  [default: 10GiB]")
@click.option(
    "--attr-ttl", type=_Duration(), default="1s", show_default=True, help="How long a file's version is believed."
)
@click.option("--dir-ttl", type=_Duration(), default="30s", show_default=True, help="How long to believe a listing.")
@click.option("--allow-other", is_flag=True, help="Let other users in.")
@click.option("--driver", type=click.Choice(DRIVERS), default="auto", show_default=True, help="Way to the kernel.")
@click.option("--log-file", metavar="FILE", help="Log file in the background.  [default: ~/.local/state/fsspeckit/…]")
@click.option("--log-level", default="info", show_default=True, metavar="LEVEL", help="debug, info, warning or error.")
def mount(
    source: str,
    mountpoint: str,
    options: tuple[str, ...],
    config_path: str | None,
    read_only: bool,
    foreground: bool,
    cache_dir: str | None,
    cache_size: int | None,
    attr_ttl: float,
    dir_ttl: float,
    allow_other: bool,
    driver: str,
    log_file: str | None,
    log_level: str,
) -> None:
    """Show SOURCE as the directory MOUNTPOINT.

    SOURCE is a URL (s3://bucket/prefix, file:///folder), a folder, or the name of a storage from --config.

    \b
    Options of the mount, for -o:
      passthrough=yes|no     let the kernel read complete files itself  [yes]
      complete_at_open=SIZE  fetch files up to this size whole at open  [8MiB]
      readahead=SIZE         how far the kernel reads ahead, as root    [1MiB]
    Everything else in -o is for the storage: endpoint_url, access_key_id, ….
    """
    from fsspeckit_lib.service.settings import parse_option_pairs

    mount_options, storage_options = split_mount_options(parse_option_pairs(options))
    mountpoint = os.path.abspath(mountpoint)
    config = MountConfig(
        source=source,
        mountpoint=mountpoint,
        options=storage_options,
        config_path=os.path.abspath(config_path) if config_path else None,
        cache_dir=os.path.abspath(os.path.expanduser(cache_dir)) if cache_dir else None,
        cache_size_bytes=cache_size,
        attribute_ttl_s=attr_ttl,
        directory_ttl_s=dir_ttl,
        read_only=read_only,
        allow_other=allow_other,
        driver=driver,
        passthrough=mount_options.passthrough,
        complete_at_open_bytes=mount_options.complete_at_open_bytes,
        readahead_bytes=mount_options.readahead_bytes,
        log_level=log_level,
        log_path=_log_path(log_file, mountpoint, foreground=foreground),
    )
    if foreground:
        from fsspeckit_lib.service.logs import configure_logging
        from fsspeckit_mount.daemon import run

        configure_logging(config.log_level, config.log_path)
        run(config, lambda: None)
    else:
        _start_in_background(config)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("mountpoint")
@click.option("--lazy", is_flag=True, help="Also while it is in use: open files stay readable for a while.")
def umount(mountpoint: str, lazy: bool) -> None:
    """Unmount what fsspeckit has mounted at MOUNTPOINT."""
    from fsspeckit_mount.kernel.mounting import FILE_SYSTEM_TYPE, find_mount, resolve_mountpoint, unmount

    path = resolve_mountpoint(mountpoint)
    found = find_mount(path)
    if found is None:
        raise NotFound(f"mountpoint {path}: nothing is mounted there; see: findmnt -t {FILE_SYSTEM_TYPE}")
    if found.kind != FILE_SYSTEM_TYPE:
        raise Conflict(f"mountpoint {path}: {found.source} ({found.kind}) is there, not fsspeckit's; use umount")
    unmount(path, lazy=lazy)


def main() -> NoReturn:
    """Run `fsspeckit-mount`."""
    run_command(mount, "fsspeckit-mount")


def _log_path(log_file: str | None, mountpoint: str, *, foreground: bool) -> str | None:
    if log_file is not None:
        return os.path.abspath(os.path.expanduser(log_file))
    if foreground:
        return None
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "fsspeckit", f"mount{mountpoint.replace('/', '-')}.log")


def _start_in_background(config: MountConfig) -> None:
    """Start the daemon as a fresh process of its own session; return once the mount answers.

    Raises:
        GatewayError: it does not; the daemon's own line says why.
    """
    from fsspeckit_mount.daemon import Report

    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as reports:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "fsspeckit_mount.daemon", str(theirs), config.mountpoint],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs],
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        try:
            assert process.stdin is not None
            process.stdin.write(config.to_json().encode())
            process.stdin.close()
            line = reports.read()
        except BaseException:
            process.terminate()  # Ctrl-C while it was starting: nothing stays behind
            process.wait()
            raise
    if not line:
        assert process.stderr is not None
        words = process.stderr.read().decode(errors="replace").strip().splitlines()
        raise Unavailable(
            f"mountpoint {config.mountpoint}: the mount's process ended before the mount answered "
            f"(status {process.wait()}{': ' + words[-1] if words else ''}); see {config.log_path}"
        )
    Report.from_json(line.decode()).raise_problem()
    process.returncode = 0  # it goes on; not ours to wait for


if __name__ == "__main__":
    main()
