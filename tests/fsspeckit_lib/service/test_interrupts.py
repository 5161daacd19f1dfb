"""Ctrl-C while a command starts: status 130, whatever the library that was being loaded makes of it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal, click
from fsspeckit_lib.errors import Unsupported
from fsspeckit_lib.service.command import run_command

@click.command()
def command():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
    except KeyboardInterrupt:
        raise %s  # as an extension module does that is interrupted while it loads
run_command(command, "program")
"""


def test_ctrl_c_that_became_another_error_is_still_ctrl_c() -> None:
    for error in ("ImportError('a package is a required dependency')", "Unsupported('x')", "KeyboardInterrupt"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM % error], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr.strip()) == (130, "program: interrupted")
