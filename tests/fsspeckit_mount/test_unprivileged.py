"""An ordinary user mounts through fusermount3, in a /dev where the device is open to all. The interpreter is Debian's:
that of root's own environment is often not readable to others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE

_PYTHON = "/usr/bin/python3"
_PROJECT = Path(__file__).parents[2]
_NOBODY = 65534
_SCRIPT = """
set -e
mount -t tmpfs none /dev
mknod -m 666 /dev/fuse c 10 229
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/urandom c 1 9
mkdir -m 1777 /dev/shm
cd /
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
"""


def _can_run() -> bool:
    """Tell whether nobody can run this project by Debian's interpreter, of the same version as this one."""
    paths = os.pathsep.join([str(_PROJECT), sysconfig.get_path("purelib")])
    program = f"import sys, fsspeckit_mount.daemon; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", _PYTHON, "-c", program]
    environment = {"PYTHONPATH": paths, "HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False, cwd="/").returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(
    not CAN_MOUNT or not _can_run(), reason=f"{NEEDS_FUSE}, and a project that others can read"
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of nobody's, which pytest's are not: /source, /mnt."""
    with tempfile.TemporaryDirectory(prefix="fsspeckit-unprivileged-") as root:
        path = Path(root)
        for name in ("source", "mnt"):
            (path / name).mkdir()
        (path / "source" / "file").write_bytes(b"content")
        for name in ("", "source", "source/file", "mnt"):
            shutil.chown(path / name, _NOBODY, _NOBODY)
        yield path


def _as_nobody(home: Path, program: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(_PROJECT), sysconfig.get_path("purelib")])
    environment = {"PYTHONPATH": paths, "HOME": str(home), "PATH": os.environ["PATH"], "PYTHON": _PYTHON}
    prelude = (
        'm() { "$PYTHON" -m fsspeckit_mount.cli ~/source ~/mnt --cache-dir ~/cache --log-file ~/log "$@"; }\n'
        'umount_it() { "$PYTHON" -c "import sys\nfrom fsspeckit_lib.cli import main\nmain()" umount ~/mnt; }\n'
    )
    command = ["unshare", "-m", "sh", "-c", _SCRIPT, "sh", "sh", "-c", prelude + program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("driver", ["kernel", "libfuse"])
def test_an_ordinary_user_mounts_reads_and_unmounts(home: Path, driver: str) -> None:
    program = f"set -e; m --driver {driver}; cat ~/mnt/file; stat -c ' %u' ~/mnt/file; umount_it; ls ~/mnt"
    finished = _as_nobody(home, program)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == f"content {_NOBODY}\n"
    if driver == "kernel":  # once for all files
        assert (home / "log").read_text().count("passthrough is refused by the kernel") == 1


def test_allow_other_is_explained_where_it_is_not_allowed(home: Path) -> None:
    if "\nuser_allow_other" in Path("/etc/fuse.conf").read_text():
        finished = _as_nobody(home, "m --allow-other && umount_it")
        assert finished.returncode == 0, finished.stderr
        return
    finished = _as_nobody(home, "m --allow-other")
    assert finished.returncode == 2
    assert "user_allow_other in /etc/fuse.conf" in finished.stderr


def test_a_dead_mount_of_an_ordinary_user_is_cleaned_by_the_next_start(home: Path) -> None:
    program = """
        set -e
        m; cat ~/mnt/file
        kill -9 $(grep -l "fsspeckit_mount.daemon" /proc/[0-9]*/cmdline 2>/dev/null | while read f; do
            grep -q "$HOME" $f && echo $f; done | cut -d/ -f3)
        sleep 0.3
        ! cat ~/mnt/file
        m; cat ~/mnt/file; umount_it
    """
    finished = _as_nobody(home, program)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "contentcontent"
    assert "not connected" in finished.stderr
