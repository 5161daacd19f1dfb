"""The commands `fsspeckit-mount`, `fsspeckit mount`, `fsspeckit umount` and `mount.fsspeckit`.

Text becomes a `DaemonConfig` here. In the background case a fresh process does the work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, NoReturn

import click

from fsspeckit_lib.common.names import nearest
from fsspeckit_lib.common.units import format_size, parse_duration, parse_size
from fsspeckit_lib.errors import BadInput, Conflict, GatewayError, NotFound, Unavailable, UnknownName
from fsspeckit_lib.service.command import run_command
from fsspeckit_mount.config import DaemonConfig, MountConfig, configured_mount
from fsspeckit_mount.options import DRIVERS, MOUNT_OPTIONS, PROCESS_OPTIONS, mount_options, split_options

__all__ = ["main", "mount", "mount_helper", "umount"]


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


_UNNAMED = "\0"
"""The command that mounts: a name that nobody can type, so that a SOURCE may be called anything."""


class _MountGroup(click.Group):
    """A group whose first word need not be a command: then it mounts."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = [_UNNAMED, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == _UNNAMED else name, command, rest


@click.group(cls=_MountGroup)
def mount() -> None:
    """Show storages as directories: SOURCE MOUNTPOINT, or every mount of --config; also refresh and status."""


_HELP: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"]}}


@mount.command(_UNNAMED, hidden=True, **_HELP)
@click.argument("source", required=False)
@click.argument("mountpoint", required=False)
@click.option("-o", "options", multiple=True, metavar="K=V,…", help="Options of the storage, and of the mount (below).")
@click.option(
    "--config", "config_path", metavar="FILE", help="fsspeckit.yaml: storages by name, the cache, the mounts."
)
@click.option("--read-only", is_flag=True, help="Refuse every write; the only mode of this version.")
@click.option("--foreground", is_flag=True, help="Stay in the foreground and log to stderr.")
@click.option("--cache-dir", metavar="D", help="Where the cached copies lie.  [default: ~/.cache/fsspeckit]")
@click.option("--cache-size", type=_Size(), metavar="SIZE", help="Most bytes of cached copies.  [default: 10GiB]")
@click.option("--attr-ttl", type=_Duration(), help="How long a file's version is believed.  [default: 1s]")
@click.option("--dir-ttl", type=_Duration(), help="How long to believe a listing.  [default: 30s]")
@click.option("--allow-other", is_flag=True, default=None, help="Let other users in.")
@click.option("--uid", metavar="USER", help="Owner of everything.  [default: who mounts]")
@click.option("--gid", metavar="GROUP", help="Group of everything.  [default: that of who mounts]")
@click.option("--file-mode", metavar="MODE", help="Permissions of files, octal.  [default: 0444]")
@click.option("--dir-mode", metavar="MODE", help="Permissions of directories, octal.  [default: 0555]")
@click.option("--umask", metavar="MODE", help="Permissions taken away from both, octal.  [default: 0]")
@click.option("--driver", type=click.Choice(DRIVERS), help="Way to the kernel.  [default: auto]")
@click.option("--log-file", metavar="FILE", help="Log file in the background.  [default: ~/.local/state/fsspeckit/…]")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.  [default: info]")
def source_command(
    source: str | None,
    mountpoint: str | None,
    options: tuple[str, ...],
    config_path: str | None,
    foreground: bool,
    cache_dir: str | None,
    cache_size: int | None,
    log_file: str | None,
    log_level: str | None,
    **flags: Any,
) -> None:
    """Show SOURCE as the directory MOUNTPOINT; without both, every one of `mounts:` in --config, in one process.

    SOURCE is a URL (s3://bucket/prefix, file:///folder), a folder, or the name of a storage from --config.
    Also: fsspeckit mount refresh PATH, fsspeckit mount status [MOUNTPOINT], fsspeckit umount MOUNTPOINT.

    \b
    Options of the mount, for -o (the flags above are options as well: attr_ttl=5s, allow_other, uid=…):
      passthrough=yes|no     let the kernel read complete files itself  [yes]
      complete_at_open=SIZE  fetch files up to this size whole at open  [8MiB]
      readahead=SIZE         how far the kernel reads ahead, as root    [1MiB]
      prefetch=SIZE          most bytes being fetched ahead at one time [96MiB]
      missing=refuse|empty   what to do where the prefix does not exist [refuse]
      poll=auto|no|TIME      ask storages that tell of changes (Git)    [auto]
      kernel_cache=yes|no    let the kernel remember names for a while  [yes]
      xattrs=yes|no          offer user.fsspeckit.etag, url, cached, …  [yes]
    Everything else in -o is for the storage: endpoint_url, access_key_id, ….
    """
    from fsspeckit_lib.service.settings import load_settings, parse_option_pairs

    words, process, storage_options = split_options(parse_option_pairs(options))
    if flags.pop("read_only"):
        words.setdefault("ro", "true")
    for name, value in flags.items():
        if value is not None:
            words[name] = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    config_path = config_path or process.get("config")
    config_path = os.path.abspath(config_path) if config_path else None
    if source is not None and mountpoint is None:
        raise click.UsageError("Missing argument 'MOUNTPOINT'.")
    if source is None or mountpoint is None:
        if config_path is None:
            raise click.UsageError("Missing argument 'SOURCE'.")
        sections = load_settings(config_path).mounts
        if not sections:
            raise BadInput(f"configuration {config_path}: found no mounts, wanted some, or SOURCE and MOUNTPOINT")
        if storage_options:
            raise _not_of_one_storage(next(iter(storage_options)))
        mounts = tuple(configured_mount(section, words) for section in sections)
    else:
        place = os.path.abspath(mountpoint)
        mounts = (MountConfig(source, "", place, storage_options, mount_options(words)),)
    cache_dir = cache_dir or process.get("cache_dir")
    if cache_size is None and "cache_size" in process:
        cache_size = parse_size(process["cache_size"])
    name = mounts[0].mountpoint if source is not None else config_path or ""
    config = DaemonConfig(
        mounts=mounts,
        config_path=config_path,
        cache_dir=os.path.abspath(os.path.expanduser(cache_dir)) if cache_dir else None,
        cache_size_bytes=cache_size,
        log_level=log_level or process.get("log_level") or "info",
        log_path=_log_path(log_file or process.get("log_file"), name, foreground=foreground),
    )
    if foreground:
        from fsspeckit_lib.service.logs import configure_logging
        from fsspeckit_mount.daemon import LOG_BURST, run

        configure_logging(config.log_level, config.log_path, burst=LOG_BURST)
        run(config, lambda: None)
    else:
        _start_in_background(config)


@mount.command(**_HELP)
@click.argument("path")
def refresh(path: str) -> None:
    """Believe nothing at or below PATH any more: the next look at it asks the storage."""
    from fsspeckit_mount.control import ask, mount_above

    found, below = mount_above(path)
    dropped = ask(found.path, "refresh", below)["dropped"]
    click.echo(f"{os.path.join(found.path, below)}: {dropped} names and listings are asked for again")


@mount.command(**_HELP)
@click.argument("mountpoint", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a mount.")
def status(mountpoint: str | None, as_json: bool) -> None:
    """Say how the mount at MOUNTPOINT fares, or every mount of this machine."""
    from fsspeckit_mount.control import ask, mount_above
    from fsspeckit_mount.kernel.mounting import FILE_SYSTEM_TYPE, list_mounts

    if mountpoint is not None:
        _show(ask(mount_above(mountpoint)[0].path, "status"), as_json=as_json)
        return
    failed = False
    for found in list_mounts():
        if found.kind == FILE_SYSTEM_TYPE:
            try:
                _show(ask(found.path, "status"), as_json=as_json)
            except GatewayError as error:
                failed = True
                _show({"mountpoint": found.path, "source": found.source, "problem": str(error)}, as_json=as_json)
    if failed:
        sys.exit(1)


def _show(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer))
        return
    click.echo(f"{answer.pop('mountpoint')}: {answer.pop('source')}")
    for name, value in answer.items():
        if name == "endpoints":
            for endpoint in value:
                trouble = f" after: {endpoint['last_failure']}" if endpoint["failures"] else ""
                click.echo(f"  endpoint {endpoint['name']}: circuit {endpoint['circuit']}{trouble}")
            continue
        if name == "cache":
            sizes = f"{format_size(value['size_bytes'])} of {format_size(value['max_size_bytes'])}"
            value = f"{value['root']}, {sizes}, {value['hits']} hits, {value['misses']} misses"
        elif isinstance(value, dict):
            value = ", ".join(f"{count} {word}" for word, count in value.items()) or "nothing"
        click.echo(f"  {name.replace('_', ' ')}: {value}")


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


def mount_helper() -> NoReturn:
    """Run `mount.fsspeckit SOURCE MOUNTPOINT [-sfnv] [-o OPTIONS]`, as mount(8) calls it for a line of /etc/fstab."""
    words, kept = iter(sys.argv[1:]), []
    for word in words:
        if word in {"-N", "-t"}:
            next(words, None)
        elif word.startswith("-o"):
            options = word[2:] or next(words, "")
            # mount(8) says rw where nobody said anything: it is no wish to write
            options = ",".join(part for part in options.split(",") if part not in {"", "rw"})
            kept += ["-o", options] if options else []
        elif not word.startswith("-"):
            kept.append(word)
        elif "f" in word:
            sys.exit(0)  # mount --fake
    sys.argv[1:] = kept
    run_command(mount, "mount.fsspeckit")


def _not_of_one_storage(name: str) -> BadInput:
    close = nearest(name, [*MOUNT_OPTIONS, *PROCESS_OPTIONS])
    if close:
        return UnknownName(f"-o: unknown option {name!r}; did you mean {close!r}?")
    return BadInput(f"-o {name}: is for a storage; write it below storages: or mounts:")


def _log_path(log_file: str | None, mountpoint: str, *, foreground: bool) -> str | None:
    if log_file is not None:
        return os.path.abspath(os.path.expanduser(log_file))
    if foreground:
        return None
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "fsspeckit", f"mount{mountpoint.replace('/', '-')}.log")


def _start_in_background(config: DaemonConfig) -> None:
    """Start the daemon as a fresh process of its own session; return once the mount answers.

    Raises:
        GatewayError: it does not; the daemon's own line says why.
    """
    from fsspeckit_mount.daemon import Report

    places = [mount.mountpoint for mount in config.mounts]
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as reports:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "fsspeckit_mount.daemon", str(theirs), *places],
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
            f"mountpoint {', '.join(places)}: the mount's process ended before the mount answered "
            f"(status {process.wait()}{': ' + words[-1] if words else ''}); see {config.log_path}"
        )
    Report.from_json(line.decode()).raise_problem()
    process.returncode = 0  # it goes on; not ours to wait for


if __name__ == "__main__":
    main()
