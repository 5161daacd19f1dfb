"""`fsspeckit demo`: the main job, on a bucket of its own, from nothing to clean again."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from pathlib import Path
from types import FrameType

import click

from fsspeckit_lib.common.units import format_size
from fsspeckit_lib.demo import show
from fsspeckit_lib.demo.bucket import ROWS
from fsspeckit_lib.demo.stage import command_path, mounted, sql_server, storage

__all__ = ["demo"]


@click.command()
@click.option("--store", type=click.Choice(["local", "s3"]), default="local", show_default=True,
              help="A folder as the bucket, or a real S3 server (SeaweedFS) started for it.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), default=5433, show_default=True, help="Of the SQL server.")
@click.option("--once", is_flag=True, help="End after the show, with status 0 when all of it was right.")
def demo(store: str, port: int, once: bool) -> None:
    """Mount a sample bucket, serve its dataset over SQL, show both working, and clean up."""
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        with contextlib.ExitStack() as cleanup:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="fsspeckit-demo-")))
            _demo(cleanup, folder, store, port, once)
    except KeyboardInterrupt:
        click.echo("\ninterrupted; everything is unmounted, stopped and removed")
    finally:
        signal.signal(signal.SIGTERM, previous)


def _demo(cleanup: contextlib.ExitStack, folder: Path, store: str, port: int, once: bool) -> None:
    show.heading(f"A sample bucket ({'on a real S3 server' if store == 's3' else 'a local folder'})")
    stage = cleanup.enter_context(storage(store, folder))
    click.echo(
        f"  {stage.url}: {stage.sample.parquet_files} parquet files with {ROWS:,} rows, CSV, JSON, logs and a binary: "
        f"{format_size(stage.sample.total_bytes)}"
    )
    cache, mountpoint = folder / "cache", folder / "mnt"
    mountpoint.mkdir()

    mount_command = [command_path("fsspeckit-mount"), stage.url, str(mountpoint), "--cache-dir", str(cache)]
    mount_command += ["--log-file", str(folder / "mount.log")]
    click.echo(f"$ cd {folder}")
    click.echo(f"$ fsspeckit-mount {stage.url} mnt --cache-dir cache")
    refused = cleanup.enter_context(mounted(mount_command, mountpoint, stage.environment))
    if refused is None:
        show.show_files(stage, folder, mountpoint.name, cache.name)
    else:
        click.echo(f"  no mount here: {refused}")

    table = f"trips={stage.url}/datasets/trips"
    server_command = [command_path("fsspeckit-sqlserver"), "--listen", f"127.0.0.1:{port}", "--table", table]
    server_command += ["--cache-dir", str(cache), "--log-file", str(folder / "sqlserver.log")]
    show.heading("The SQL server, on the same cache")
    click.echo(f"$ fsspeckit-sqlserver --listen 127.0.0.1:{port} --table {table} --cache-dir cache")
    ready = cleanup.enter_context(sql_server(server_command, stage.environment))
    click.echo(f"  {ready}")
    show.show_sql(port, stage.environment)

    if once:
        click.echo("\nAll answers were right. Cleaning up.")
        return
    show.heading("Yours now")
    if refused is None:
        click.echo(f"  files:  {mountpoint}")
    click.echo(f"  SQL:    psql -h 127.0.0.1 -p {port} -U demo demo")
    click.echo(f"          postgresql://demo@127.0.0.1:{port}/demo")
    click.echo("  Ctrl-C ends it, unmounts and removes everything.")
    signal.pause()


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
