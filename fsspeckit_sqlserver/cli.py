"""The commands `fsspeckit-sqlserver` and `fsspeckit serve`. Text becomes a `ServerConfig` here."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from fsspeckit_lib.common.units import parse_size
from fsspeckit_lib.errors import GatewayError
from fsspeckit_lib.service.command import run_command

__all__ = ["main", "serve", "server"]


class _Size(click.ParamType[int]):
    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_size(value)
        except GatewayError as error:
            self.fail(str(error), param, ctx)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_path", metavar="FILE", help="fsspeckit.yaml: storages, tables, schemas, cache.")
@click.option("--listen", metavar="HOST:PORT", help="Address to listen on.  [default: 127.0.0.1:5433]")
@click.option("--table", "tables", multiple=True, metavar="NAME=URL", help="Serve a parquet dataset as table NAME.")
@click.option(
    "--schema", "schemas", multiple=True, metavar="NAME=URL", help="Serve each sub-folder as table NAME.folder."
)
@click.option(
    "-o", "options", multiple=True, metavar="K=V,…", help="Storage options for the URLs of --table and --schema."
)
@click.option("--cache-dir", metavar="D", help="Where the cached copies lie.  [default: ~/.cache/fsspeckit]")
@click.option("--cache-size", type=_Size(), metavar="SIZE", help="Most bytes of cached copies.  [default: 10GiB]")
@click.option("--log-file", metavar="FILE", help="Log there instead of to stderr.")
@click.option("--log-level", default="info", show_default=True, metavar="LEVEL", help="debug, info, warning or error.")
def serve(
    config_path: str | None,
    listen: str | None,
    tables: tuple[str, ...],
    schemas: tuple[str, ...],
    options: tuple[str, ...],
    cache_dir: str | None,
    cache_size: int | None,
    log_file: str | None,
    log_level: str,
) -> None:
    """Serve parquet datasets as the tables of a PostgreSQL database.

    \b
    fsspeckit-sqlserver --table trips=s3://bucket/trips -o endpoint_url=http://127.0.0.1:8333
    psql postgresql://fsspeckit@127.0.0.1:5433/fsspeckit -c 'select count(*) from trips'

    Any database name will do. Without sqlserver.users in --config any user is let in, from this machine only. Stays in
    the foreground; prints one line that begins with "ready:" once clients are accepted.
    """
    # The engine takes most of a second to import: --help and usage errors do without it.
    from fsspeckit_lib.service.logs import configure_logging
    from fsspeckit_lib.service.settings import cache_config, load_settings, parse_option_pairs
    from fsspeckit_sqlserver.config import server_config

    settings = load_settings(config_path)
    config = server_config(settings, listen, tables, schemas, parse_option_pairs(options))
    cache = cache_config(settings, cache_dir, cache_size)
    configure_logging(log_level, os.path.abspath(os.path.expanduser(log_file)) if log_file else None)
    from fsspeckit_sqlserver.daemon import run

    run(config, cache, click.echo)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def server() -> None:
    """Help to run the SQL server."""


@server.command()
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from the first line of stdin.")
@click.option("--iterations", default=4096, show_default=True, help="Work a client does at each login.")
def passwd(from_stdin: bool, iterations: int) -> None:
    """Print the verifier of a password, for sqlserver.users.NAME.password in fsspeckit.yaml.

    It is PostgreSQL's form, SCRAM-SHA-256$…: enough to check the password, not to log in with.
    """
    from fsspeckit_sqlserver.auth.passwords import make_verifier

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    click.echo(str(make_verifier(password, iterations=iterations)))


def main() -> NoReturn:
    """Run `fsspeckit-sqlserver`."""
    run_command(serve, "fsspeckit-sqlserver")


if __name__ == "__main__":
    main()
