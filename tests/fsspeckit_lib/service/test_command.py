"""The edge of every command: exit statuses, one line, no traceback; and the umbrella's commands."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fsspeckit_lib.errors import BadInput, NotFound
from fsspeckit_lib.service.command import run_command
from fsspeckit_lib.service.notify import notify


@pytest.mark.parametrize(
    ("outcome", "status", "line"),
    [
        (BadInput("found x\nwanted y"), 2, "prog: found x wanted y"),
        (NotFound("s3://b: not found"), 1, "prog: s3://b: not found"),
        (click.UsageError("no such flag"), 2, "prog: no such flag; see prog --help"),
        (click.Abort(), 130, "prog: interrupted"),
        (KeyboardInterrupt(), 130, "prog: interrupted"),
        (None, 0, ""),
    ],
)
def test_exit_status_and_one_line(
    outcome: BaseException | None,
    status: int,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command()
    def command() -> None:
        if outcome is not None:
            raise outcome

    monkeypatch.setattr(sys, "argv", ["prog"])
    with pytest.raises(SystemExit) as caught:
        run_command(command, "prog")
    assert caught.value.code == status
    assert capsys.readouterr().err.strip() == line


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def command() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["prog"])
    with pytest.raises(ZeroDivisionError):
        run_command(command, "prog")


def _fsspeckit(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from fsspeckit_lib.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)


def test_the_umbrella_lists_its_commands() -> None:
    result = _fsspeckit("--help")
    assert result.returncode == 0
    for name in ("demo", "mount", "umount", "serve"):
        assert name in result.stdout


def test_an_unknown_command_names_the_nearest() -> None:
    result = _fsspeckit("mout")
    assert result.returncode == 2
    assert result.stderr.strip() == "fsspeckit: unknown command 'mout'; did you mean 'mount'?"


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nonexistent/socket")
    notify("READY=1")  # logged, never raised
