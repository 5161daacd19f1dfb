"""The umbrella command `fsspeckit`. Its subcommands come from the entry-point group `fsspeckit.commands`.

A subcommand is loaded only when it is run or its help is asked for, so `fsspeckit --help` stays quick and a daemon that
is not installed is only not listed.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import NoReturn

import click

from fsspeckit_lib import __version__
from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.service.command import run_command

__all__ = ["main"]


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(found.name for found in entry_points(group="fsspeckit.commands"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        for found in entry_points(group="fsspeckit.commands", name=cmd_name):
            command = found.load()
            assert isinstance(command, click.Command)
            return command
        raise unknown_name("fsspeckit", "command", cmd_name, self.list_commands(ctx))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fsspeckit")
def fsspeckit() -> None:
    """Any storage as a directory, its parquet datasets as a PostgreSQL database."""


def main() -> NoReturn:
    """Run the command line."""
    run_command(fsspeckit, "fsspeckit")
