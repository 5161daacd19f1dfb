"""The edge of every command: one line on stderr and the right exit status, never a traceback.

Exit status: 0 done, 1 it failed, 2 it was asked wrongly (a flag, a URL, a value), 130 Ctrl-C.
"""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

import click

from fsspeckit_lib.errors import BadInput, GatewayError

__all__ = ["exit_status", "run_command"]

_logger = logging.getLogger(__name__)


def exit_status(error: GatewayError) -> int:
    """Return 2 for what the person can write differently, else 1."""
    return 2 if isinstance(error, BadInput) else 1


def run_command(command: click.Command, prog_name: str) -> NoReturn:
    """Run a click command as the process's main and exit."""
    try:
        status = command.main(prog_name=prog_name, standalone_mode=False)
    except GatewayError as error:
        _logger.debug("the command failed", exc_info=error)
        _say(prog_name, str(error))
        sys.exit(exit_status(error))
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        _say(prog_name, "interrupted")
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"; see {error.ctx.command_path} --help"
        _say(prog_name, f"{error.format_message().rstrip('.')}{hint}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say(prog_name, "interrupted")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `head` does
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _say(prog_name: str, text: str) -> None:
    line = " ".join(text.split())
    click.echo(line if line.startswith(f"{prog_name}: ") else f"{prog_name}: {line}", err=True)
