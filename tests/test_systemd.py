"""The units: systemd's own verifier finds nothing, with the commands of this environment in their place."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[1] / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is needed: apt-get install systemd"
    text = unit.read_text().replace("/opt/fsspeckit/bin", sysconfig.get_path("scripts"))
    name = unit.name.replace("@.", "@lake.")
    (tmp_path / name).write_text(text)
    result = subprocess.run([analyze, "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True)
    ours = [line for line in result.stderr.splitlines() if "fsspeckit" in line]
    assert result.returncode == 0
    assert ours == []  # a misspelt key is only a warning


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_commands_take_the_flags_of_the_unit(unit: Path) -> None:
    line = next(line for line in unit.read_text().splitlines() if line.startswith("ExecStart="))
    command, *words = line.removeprefix("ExecStart=").split()
    path = Path(sysconfig.get_path("scripts")) / Path(command).name
    help_text = subprocess.run([path, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(word in help_text for word in words if word.startswith("--"))


def test_the_sql_server_is_confined(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze
    unit = tmp_path / "fsspeckit-sqlserver.service"
    unit.write_text(UNITS[-1].read_text().replace("/opt/fsspeckit/bin", sysconfig.get_path("scripts")))
    result = subprocess.run(
        [analyze, "security", "--offline=yes", "--threshold=30", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout.splitlines()[-1:]
