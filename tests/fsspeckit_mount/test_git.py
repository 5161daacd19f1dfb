"""A Git repository as a directory: links and programs are what Git says, and a ref that moves is noticed."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.testing.forge import link
from fsspeckit_lib.testing.proxy import FaultProxy
from tests.fsspeckit_lib.core.forge.places import FILES, TOKEN, Forge, forge
from tests.fsspeckit_mount.mounts import CAN_MOUNT, NEEDS_FUSE, mounted

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Forge]:
    with forge("gitlab", tmp_path / "forge") as found:
        found.repository.commit(
            {
                **FILES,
                "links/file": link("../README.md"),
                "links/folder": link("../data"),
                "links/nowhere": link("missing"),
                "links/absolute": link("/etc/hostname"),
            }
        )
        yield found


def _options(project: Forge, **more: str) -> tuple[str, ...]:
    words = {"base_url": project.server.url, "token": TOKEN, **more}
    return ("-o", ",".join(f"{name}={value}" for name, value in words.items()))


@pytest.mark.parametrize("driver", ["kernel", "libfuse"])
def test_links_are_links_and_programs_can_be_run(project: Forge, tmp_path: Path, driver: str) -> None:
    source = f"gitlab://{project.project.path}@main"
    with mounted(source, tmp_path / "m", *_options(project), "--driver", driver) as mount:
        links = mount.path / "links"
        targets = {entry.name: os.readlink(entry.path) for entry in os.scandir(links) if entry.is_symlink()}
        assert targets == {
            "file": "../README.md", "folder": "../data", "nowhere": "missing", "absolute": "/etc/hostname",
        }  # fmt: skip
        assert (links / "file").read_bytes() == (mount.path / "README.md").read_bytes() == b"# hello\n"
        assert (links / "folder" / "one.csv").read_bytes().startswith(b"a,b\n")
        assert not (links / "nowhere").exists()
        status = (links / "file").lstat()
        assert stat.S_ISLNK(status.st_mode)
        assert status.st_size == len("../README.md")
        assert stat.S_IMODE((mount.path / "run.sh").stat().st_mode) == 0o555
        assert stat.S_IMODE((mount.path / "README.md").stat().st_mode) == 0o444
        assert subprocess.run([mount.path / "run.sh"], check=False, timeout=30).returncode == 0


def test_a_ref_that_moves_is_noticed_before_any_ttl(project: Forge, tmp_path: Path) -> None:
    source = f"gitlab://{project.project.path}@main"
    ttl = ("--attr-ttl", "1h", "--dir-ttl", "1h")
    with mounted(source, tmp_path / "m", *_options(project, poll="200ms"), *ttl) as mount:
        assert (mount.path / "README.md").read_bytes() == b"# hello\n"
        assert not (mount.path / "new").exists()
        project.repository.commit({"README.md": b"# changed\n", "new": b"new\n"})
        deadline = time.monotonic() + 30
        while (mount.path / "README.md").read_bytes() != b"# changed\n":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (mount.path / "new").read_bytes() == b"new\n"
        assert "new" in os.listdir(mount.path)
        assert "the storage changed" in mount.log.read_text()


def test_a_moved_ref_is_noticed_also_where_outages_are_bridged(project: Forge, tmp_path: Path) -> None:
    config = tmp_path / "fsspeckit.yaml"
    config.write_text("cache: {when_offline: serve-stale}\n")
    source = f"gitlab://{project.project.path}@main"
    flags = ("--config", str(config), "--attr-ttl", "1h", "--dir-ttl", "1h")
    with mounted(source, tmp_path / "m", *_options(project, poll="200ms"), *flags) as mount:
        assert (mount.path / "README.md").read_bytes() == b"# hello\n"
        project.repository.commit({"README.md": b"# changed\n"})
        deadline = time.monotonic() + 30
        while (mount.path / "README.md").read_bytes() != b"# changed\n":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_links_stay_links_where_outages_are_bridged(project: Forge, tmp_path: Path) -> None:
    config = tmp_path / "bridged.yaml"
    config.write_text("cache: {when_offline: serve-stale}\n")
    with FaultProxy.start(project.server.url) as proxy:
        words = f"base_url={proxy.url},token={TOKEN},ref_ttl_s=0,max_retries=0"
        flags = ("-o", words, "--config", str(config), "--attr-ttl", "0", "--dir-ttl", "0")
        with mounted(f"gitlab://{project.project.path}@main", tmp_path / "m", *flags) as mount:
            for is_up in (True, False):
                names = sorted(entry.name for entry in os.scandir(mount.path / "links") if entry.is_symlink())
                assert names == ["absolute", "file", "folder", "nowhere"], is_up
                assert os.readlink(mount.path / "links" / "file") == "../README.md"
                assert stat.S_IMODE((mount.path / "run.sh").stat().st_mode) == 0o555
                proxy.down()
            assert "as it was when the storage was last reached" in mount.log.read_text()
