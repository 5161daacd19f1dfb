"""What the demonstration shows: real commands, their real output, and a check of every answer it can check."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from fsspeckit_lib.demo.bucket import ROWS
from fsspeckit_lib.demo.stage import Stage
from fsspeckit_lib.errors import Corrupt, Unsupported

__all__ = ["heading", "run", "show_files", "show_sql"]

_MOST_LINES = 14


def heading(text: str) -> None:
    """Print a heading."""
    click.echo(f"\n== {text}")


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    shown: str | None = None,
) -> str:
    """Print a command, run it in `folder`, print its output (a long one abbreviated) and return it.

    Raises:
        Corrupt: the command failed.
    """
    click.echo(f"$ {shown or shlex.join(command)}")
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    lines = result.stdout.rstrip().splitlines()
    for line in lines[:_MOST_LINES]:
        click.echo(f"  {line}")
    if len(lines) > _MOST_LINES:
        click.echo(f"  … {len(lines) - _MOST_LINES} more lines")
    if result.returncode != 0:
        raise Corrupt(f"demo: {shlex.join(command)} ended with status {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def show_files(stage: Stage, folder: Path, mountpoint: str, cache: str) -> None:
    """Use the mount as any program would, cold and warm, and compare what it gives with what was put there.

    Args:
        mountpoint: relative to `folder`, as is `cache`.

    Raises:
        Corrupt: a command failed, or the mount gave other bytes than the bucket has.
    """
    large = f"{mountpoint}/media/large.bin"
    heading("The bucket as a directory")
    run(["ls", "-l", mountpoint], folder=folder)
    run(["ls", "-l", f"{mountpoint}/reports"], folder=folder)
    run(["cat", f"{mountpoint}/reports/Überblick – 概要.md"], folder=folder)
    run(["grep", "-c", "ERROR", f"{mountpoint}/logs/gateway/2026-11.log"], folder=folder)
    run(["head", "-n", "3", f"{mountpoint}/raw/customers.csv"], folder=folder)
    started = time.perf_counter()
    digest = run(["sha256sum", large], folder=folder).split()[0]
    cold_s = time.perf_counter() - started
    if digest != stage.sample.large_sha256:
        raise Corrupt(f"demo: {large} has SHA-256 {digest}, the bucket's file {stage.sample.large_sha256}")
    click.echo("  the same as in the bucket")
    warm_s = _read_seconds(folder / large)
    size_mb = (folder / large).stat().st_size / 1e6
    click.echo(f"\n  {size_mb:.0f} MB: the first sha256sum took {cold_s:.2f} s and downloaded it,")
    click.echo(f"  then a whole read took {warm_s:.3f} s: {size_mb / 1000 / warm_s:.1f} GB/s, from the local copy")

    heading("The cached copy is an ordinary file at the same path")
    copies = [path.relative_to(folder) for path in (folder / cache).rglob("large.bin") if path.is_file()]
    if not copies:
        raise Corrupt(f"demo: no copy of large.bin under {folder / cache}")
    run(["ls", "-l", str(copies[0])], folder=folder)
    run(["cmp", str(copies[0]), large], folder=folder)
    click.echo("  equal, byte for byte")


def show_sql(port: int, environment: Mapping[str, str]) -> None:
    """Use the SQL server through psql: tables, a filtered aggregate, its plan, cold and warm.

    Raises:
        Corrupt: psql failed, or the table has not the rows that were written.
        Unsupported: there is no psql.
    """
    psql = shutil.which("psql")
    if psql is None:
        raise Unsupported(
            "demo: found no psql, wanted the PostgreSQL client; on Debian: apt-get install postgresql-client"
        )
    environment = {**environment, "PGCONNECT_TIMEOUT": "10", "PAGER": "cat", "PSQLRC": os.devnull}
    base = [psql, "-h", "127.0.0.1", "-p", str(port), "-U", "demo", "-d", "demo", "-X", "-P", "pager=off"]

    def query(sql: str, *flags: str) -> tuple[str, float]:
        started = time.perf_counter()
        output = run([*base, *flags, "-c", sql], environment=environment, shown=f"psql -p {port} -c {_quoted(sql)}")
        return output, time.perf_counter() - started

    aggregate = (
        "SELECT zone, count(*) AS trips, round(avg(fare), 2) AS fare, round(avg(distance_km), 2) AS km "
        "FROM trips WHERE year = 2026 AND pickup_at >= '2026-10-15' GROUP BY zone ORDER BY trips DESC"
    )
    heading("The datasets as a PostgreSQL database")
    query("\\dt")
    query("\\d trips")
    _, cold_s = query(aggregate)
    _, warm_s = query(aggregate)
    click.echo(
        f"\n  cold {cold_s * 1000:.0f} ms (downloads what it reads), warm {warm_s * 1000:.0f} ms, psql's start included"
    )
    heading("The plan: which files were read, which were pruned")
    query(f"EXPLAIN {aggregate}")
    counted, _ = query("SELECT count(*) FROM trips", "-At")
    if counted.strip() != str(ROWS):
        raise Corrupt(f"demo: count(*) gave {counted.strip()}, {ROWS} rows were written")


def _quoted(sql: str) -> str:
    """Quote for a shell, with double quotes where they are enough: SQL is full of single ones."""
    return shlex.quote(sql) if set(sql) & set('"$`\\') else f'"{sql}"'


def _read_seconds(path: Path) -> float:
    started = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(1 << 20)
        while file.readinto(buffer):
            pass
    return time.perf_counter() - started
