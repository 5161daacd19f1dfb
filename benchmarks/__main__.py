"""`make bench`: every table, or those named. Medians of ratios within one run; goals missed are named at the end.

python -m benchmarks [--quick] [library] [cache] [mount] [wire] [restart]
"""

from __future__ import annotations

import importlib
import os
import platform

import click

from benchmarks.report import render

_TABLES = {
    "library": "The library",
    "cache": "The cache",
    "mount": "The mount",
    "wire": "The SQL server",
    "restart": "The SQL server after a restart",
}


@click.command()
@click.option("--quick", is_flag=True, help="Fewer runs and smaller data, to see that it works.")
@click.argument("tables", nargs=-1, type=click.Choice(list(_TABLES)))
def bench(quick: bool, tables: tuple[str, ...]) -> None:
    """Run the benchmark tables."""
    print(f"Linux {platform.release()}, {os.cpu_count()} processors, Python {platform.python_version()}", flush=True)
    missed = []
    for name in tables or tuple(_TABLES):
        rows = importlib.import_module(f"benchmarks.{name}").run(quick)
        print(f"\n{render(_TABLES[name], rows)}", flush=True)
        missed += [f"{row.name} ÷ {row.peer}" for row in rows if not row.is_met]
    if missed:
        print(f"\nGoals missed: {'; '.join(missed)}")


if __name__ == "__main__":
    bench()
