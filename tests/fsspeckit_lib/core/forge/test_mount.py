"""A GitLab project and a GitHub repository as directories, mounted by the command; `git archive` is the oracle."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from fsspeckit_lib.testing.forge import link, submodule
from tests.fsspeckit_lib.core.forge.places import TOKEN, Forge, archived
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, mounted

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)

_LARGE = random.Random(6).randbytes(6 << 20)


def _read(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _options(found: Forge, *more: str) -> list[str]:
    return ["-o", ",".join([f"base_url={found.server.url}", f"token={TOKEN}", *more])]


def test_a_commit_mounted_is_its_archive(either: Forge, tmp_path: Path) -> None:
    large = either.project.add_lfs(_LARGE)
    commit = either.repository.commit(
        {
            "large.bin": _LARGE[::-1],
            ".gitattributes": b"*.lfs filter=lfs\n",
            "model.lfs": large,
            "to-readme": link("README.md"),
            "module": submodule("12" * 20),
        }
    )
    expected = archived(either.repository, commit) | {"model.lfs": _LARGE, "to-readme": b"# hello\n"}
    source = f"{either.protocol}://{either.project.path}@{commit}"
    with mounted(source, tmp_path / "m", *_options(either)) as mount:
        assert _read(mount.path) == expected
        assert (mount.path / "module").is_dir()
        assert os.listdir(mount.path / "module") == []
        with (mount.path / "large.bin").open("rb") as file:
            file.seek(1_000_000)
            assert file.read(5000) == _LARGE[::-1][1_000_000:1_005_000]
        either.server.forget()
        assert _read(mount.path) == expected
        assert either.server.count() == 0  # a commit never changes
        with pytest.raises(OSError) as caught:
            (mount.path / "new").write_bytes(b"1")
        assert caught.value.errno == errno.EROFS
        assert TOKEN.encode() not in Path(f"/proc/{mount.pid}/cmdline").read_bytes()


def test_a_branch_that_moves_is_seen(gitlab: Forge, tmp_path: Path) -> None:
    source = f"gitlab://{gitlab.project.path}@main"
    ttl = ("--attr-ttl", "100ms", "--dir-ttl", "100ms")
    with mounted(source, tmp_path / "m", *_options(gitlab, "ref_ttl_s=0.1"), *ttl) as mount:
        assert (mount.path / "README.md").read_bytes() == b"# hello\n"
        listed = subprocess.run(["ls", mount.path], check=True, capture_output=True, text=True).stdout.split()
        assert "run.sh" in listed
        commit = gitlab.repository.commit({"README.md": b"changed\n", "added": b"1"}, delete=["run.sh"])
        deadline = time.monotonic() + 20
        while _read(mount.path) != archived(gitlab.repository, commit):
            assert time.monotonic() < deadline
            time.sleep(0.05)
