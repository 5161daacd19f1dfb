"""The edge of every command: one line on stderr and the right exit status, never a traceback.

Exit status: 0 done, 1 it failed, 2 it was asked wrongly (a flag, a URL, a value), 130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from fsspeckit_lib.common.secrets import mask_url
from fsspeckit_lib.errors import BadInput, GatewayError

__all__ = ["exit_status", "run_command"]

_logger = logging.getLogger(__name__)


def exit_status(error: GatewayError) -> int:
    """Return 2 for what the person can write differently, else 1."""
    return 2 if isinstance(error, BadInput) else 1


def run_command(command: click.Command, prog_name: str) -> NoReturn:
    """Run a click command as the process's main and exit."""
    interrupts = _Interrupts()
    try:
        try:
            status = command.main(prog_name=prog_name, standalone_mode=False)
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where an error has an answer; the interpreter would only print it
        except (Exception, click.Abort) as error:
            if interrupts.count and not isinstance(error, click.exceptions.Exit):
                raise KeyboardInterrupt from error  # a library that was being imported made something else of it
            raise
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
        _drop_output()  # its reader went away, as `head` does
        sys.exit(1)
    except OSError as error:
        _drop_output()
        name = (
            f"{error.filename}: " if error.filename else "writing the output: " if error.errno == errno.ENOSPC else ""
        )
        _say(prog_name, f"{name}{error.strerror or error}")
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


class _Interrupts:
    """Counts Ctrl-C: extension modules that are interrupted while they load raise errors of their own."""

    def __init__(self) -> None:
        self.count = 0
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            with contextlib.suppress(ValueError):  # not the main thread
                signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        signal.default_int_handler(number, frame)


def _drop_output() -> None:
    """Send what is still to be written nowhere, so that the interpreter's last flush does not fail again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _say(prog_name: str, text: str) -> None:
    line = mask_url(" ".join(text.split()))
    click.echo(line if line.startswith(f"{prog_name}: ") else f"{prog_name}: {line}", err=True)
