"""`fsspeckit ls|cat|cp|rm|sync|du|tree` as processes of their own, on the local disk and a real S3 server."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from fsspeckit_lib.testing.ports import free_ports
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

COMMAND = os.path.join(sysconfig.get_path("scripts"), "fsspeckit")


@dataclass
class Shell:
    config: Path
    folder: Path

    def run(self, *words: str, status: int = 0) -> str:
        """Run `fsspeckit …` and return what it printed: stdout, or where it fails its one line."""
        finished = subprocess.run(
            [COMMAND, *words, "--config", str(self.config)], capture_output=True, text=True, timeout=60, check=False
        )
        assert finished.returncode == status, finished.stderr
        assert "Traceback" not in finished.stderr
        return finished.stdout if status == 0 else finished.stderr


@pytest.fixture
def shell(s3_server: SeaweedFS, tmp_path: Path, request: pytest.FixtureRequest) -> Shell:
    s3_server.create_bucket("shell")
    words = ", ".join(f"{name}: '{value}'" for name, value in s3_server.storage_options().items())
    (port,) = free_ports(1)
    config = tmp_path / "fsspeckit.yaml"
    config.write_text(
        f"storages:\n  lake: {{protocol: s3, bucket: shell/{request.node.name}, {words}}}\n"
        f"  down: {{protocol: s3, bucket: b, endpoint_url: 'http://127.0.0.1:{port}', allow_http: true, "
        "max_retries: 0, key: k, secret: s}\n"
    )
    folder = tmp_path / "f"
    for key in ("a.txt", "d/b.txt", "d/e/c.bin"):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(key.encode() + b"\0\xff\n")
        os.utime(folder / key, (1_700_000_000, 1_700_000_000))  # S3 keeps whole seconds: the present one is not over
    return Shell(config, folder)


def test_copy_list_and_read(shell: Shell) -> None:
    assert "copied 3 files" in shell.run("cp", "-r", str(shell.folder), "lake:x")
    assert shell.run("ls", "lake/x") == "a.txt\nd/\n"
    rows = [json.loads(line) for line in shell.run("ls", "-R", "lake:x", "--json").splitlines()]
    assert {row["key"]: row["size_bytes"] for row in rows} == {"x/a.txt": 8, "x/d/b.txt": 10, "x/d/e/c.bin": 12}
    assert shell.run("ls", "lake:x/*.txt") == "a.txt\n"
    assert "8 B" in shell.run("ls", "-l", "lake:x/a.txt")
    assert shell.run("cat", "lake:x/d/b.txt", "--range", "2:5") == "b.t"
    raw = subprocess.run([COMMAND, "cat", str(shell.folder / "a.txt")], capture_output=True, check=True, timeout=60)
    assert raw.stdout == b"a.txt\0\xff\n"
    assert "└── c.bin" in shell.run("tree", "lake:x")
    shell.run("rm", "-r", "lake:x/d/e")  # a folder that SeaweedFS goes on to list
    assert "a.txt" in shell.run("tree", "lake:x")
    shell.run("cp", str(shell.folder / "d/e/c.bin"), "lake:x/d/e/")
    assert "c.bin" not in shell.run("tree", "-L", "2", "lake:x")
    (total,) = [json.loads(line) for line in shell.run("du", "-s", "lake:x", "--json").splitlines()]
    assert (total["size_bytes"], total["files"]) == (30, 3)
    back = shell.folder.parent / "back"
    shell.run("cp", "-r", "lake:x", str(back))
    assert (back / "d/e/c.bin").read_bytes() == b"d/e/c.bin\0\xff\n"


def test_no_clobber_leaves_what_is_there(shell: Shell) -> None:
    target = shell.folder / "d/b.txt"
    assert "skipped 1" in shell.run("cp", "--no-clobber", str(shell.folder / "a.txt"), str(target))
    assert target.read_bytes().startswith(b"d/b.txt")
    assert "into itself" in shell.run("cp", "-r", str(shell.folder), str(shell.folder / "d"), status=2)


def test_rm_is_careful(shell: Shell) -> None:
    outside = shell.folder.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"1")
    (shell.folder / "d/link").symlink_to(outside)
    assert "add -r" in shell.run("rm", str(shell.folder / "d"), status=1)
    shell.run("rm", "-r", str(shell.folder / "d"))
    assert (outside / "kept").exists()
    assert not (shell.folder / "d/b.txt").exists()
    shell.run("cp", str(shell.folder / "a.txt"), "lake:")
    assert "--yes" in shell.run("rm", "-r", "lake:", status=2)
    shell.run("rm", "-r", "--yes", "lake:")
    assert shell.run("ls", "-R", "lake:") == ""


def test_rm_removes_links_and_never_what_they_lead_to(shell: Shell, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "precious").write_bytes(b"p")
    (shell.folder / "link").symlink_to(kept)
    (shell.folder / "d" / "inner").symlink_to(kept)
    (shell.folder / "d" / "dangling").symlink_to("nowhere")
    shell.run("rm", "-r", str(shell.folder / "link"))
    assert not (shell.folder / "link").is_symlink()
    shell.run("rm", "-r", str(shell.folder / "d"))
    assert not (shell.folder / "d").exists()
    assert (kept / "precious").read_bytes() == b"p"


def test_a_loop_of_links_ends(shell: Shell) -> None:
    (shell.folder / "d" / "up").symlink_to(shell.folder)
    (shell.folder / "d" / "here").symlink_to(".")
    assert "up" not in shell.run("tree", str(shell.folder))
    assert "copied 3 files" in shell.run("cp", "-r", str(shell.folder), "lake:loop")


def test_sync(shell: Shell) -> None:
    shell.run("sync", str(shell.folder), "lake:s")
    (shell.folder / "a.txt").unlink()
    dry = json.loads(shell.run("sync", "--delete", "--dry-run", "--json", str(shell.folder), "lake:s"))
    assert (dry["deleted"], dry["copied"], dry["dry_run"]) == (["a.txt"], [], True)
    shell.run("sync", "--delete", str(shell.folder), "lake:s")
    assert shell.run("ls", "lake:s") == "d/\n"
    assert "no source folder" in shell.run("sync", "--delete", str(shell.folder / "none"), "lake:s", status=1)
    assert shell.run("ls", "lake:s") == "d/\n"


def test_errors_are_one_line(shell: Shell) -> None:
    for words in (["ls", "lake:none"], ["cat", str(shell.folder / "none")], ["rm", "lake:none/*"]):
        assert shell.run(*words, status=1).count("\n") == 1
    down = shell.run("ls", "down:", status=1)
    assert "no such" not in down
    assert "endpoint" in down
    assert "unknown scheme" in shell.run("ls", "s4://b", status=2)


def test_a_reader_that_goes_away_is_no_noise(shell: Shell) -> None:
    (shell.folder / "large").write_bytes(bytes(8 << 20))
    done = subprocess.run(
        f"{COMMAND} cat {shell.folder}/large | head -c 10 > {os.devnull}",
        shell=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == b""


def test_cp_writes_nothing_through_links_below_the_destination(shell: Shell) -> None:
    outside, target = shell.folder.parent / "outside", shell.folder.parent / "target"
    outside.mkdir()
    target.mkdir()
    (target / "f").symlink_to(outside)
    assert "symbolic link" in shell.run("cp", "-r", str(shell.folder), str(target), status=1)
    assert list(outside.iterdir()) == []
    (target / "f").unlink()
    (target / "f").mkdir()
    (target / "f/d").symlink_to(outside)
    assert "symbolic link" in shell.run("cp", "-r", str(shell.folder), str(target), status=1)
    assert list(outside.iterdir()) == []
    assert (target / "f/a.txt").exists()


def test_copies_of_local_files_have_the_modes_that_cp_gives(shell: Shell) -> None:
    target = shell.folder.parent / "target"
    (shell.folder / "a.txt").chmod(0o600)
    (shell.folder / "d/b.txt").chmod(0o755)
    shell.run("cp", str(shell.folder / "a.txt"), str(target / "new"))
    shell.run("cp", "-r", str(shell.folder / "d"), str(target / "tree"))
    assert [path.stat().st_mode & 0o777 for path in (target / "new", target / "tree/b.txt")] == [0o600, 0o755]
    (target / "tree/b.txt").chmod(0o600)
    shell.run("cp", str(shell.folder / "d/b.txt"), str(target / "tree/b.txt"))
    shell.run("sync", str(shell.folder), str(target / "synced"))
    modes = [path.stat().st_mode & 0o777 for path in (target / "tree/b.txt", target / "synced/d/b.txt")]
    assert modes == [0o600, 0o755]


def test_what_is_no_file_is_said_and_skipped(shell: Shell) -> None:
    (shell.folder / "d/dangling").symlink_to("nowhere")
    for words in (["cp", "-r", str(shell.folder), "lake:n"], ["sync", str(shell.folder), "lake:n2"]):
        done = subprocess.run(
            [COMMAND, *words, "--config", str(shell.config)], capture_output=True, text=True, timeout=60, check=True
        )
        assert "skipping non-regular file" in done.stderr
        assert "copied 3 files" in done.stdout
    facts = json.loads(shell.run("sync", "--json", str(shell.folder), "lake:n2"))
    assert facts["not_regular"] == ["d/dangling"]


def test_a_range_without_bytes_is_an_error(shell: Shell) -> None:
    assert "no byte in --range 5:2" in shell.run("cat", "--range", "5:2", str(shell.folder / "a.txt"), status=2)
    assert "has 8 bytes" in shell.run("cat", "--range", "100:", str(shell.folder / "a.txt"), status=2)


def test_rm_of_a_local_storage_s_root_empties_it(shell: Shell) -> None:
    kept = shell.folder.parent / "kept"
    kept.mkdir()
    (kept / "precious").write_bytes(b"p")
    (shell.folder / "link").symlink_to(kept)
    (shell.folder / "dangling").symlink_to("nowhere")
    shell.config.write_text(f"storages:\n  here: {{protocol: file, path: '{shell.folder}'}}\n")
    assert "--yes" in shell.run("rm", "-r", "here:", status=2)
    assert "deleted 5 files" in shell.run("rm", "-r", "--yes", "here:")
    assert list(shell.folder.iterdir()) == []
    assert (kept / "precious").exists()


def test_an_output_that_cannot_be_written_is_one_line(shell: Shell) -> None:
    for words in (["ls", str(shell.folder)], ["ls", "--json", str(shell.folder)], ["cat", str(shell.folder / "a.txt")]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([COMMAND, *words], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
        assert done.returncode == 1, done.stderr
        assert done.stderr == b"fsspeckit: writing the output: No space left on device\n"
        line = subprocess.run(
            f"{shlex.join([COMMAND, *words])} >&-", shell=True, capture_output=True, timeout=60, check=False
        )
        assert (line.returncode, line.stderr.count(b"\n")) == (1, 1)
        assert b"stdout: is closed" in line.stderr


def test_a_name_with_a_star_is_removed_alone(shell: Shell) -> None:
    for name in ("a*b", "aXb"):
        (shell.folder / name).write_bytes(b"1")
    shell.run("rm", str(shell.folder / "a*b"))
    assert (shell.folder / "aXb").exists()
    shell.run("rm", str(shell.folder / "a*b"))
    assert not (shell.folder / "aXb").exists()


def test_a_file_of_proc_is_read(shell: Shell) -> None:
    assert shell.run("cat", "/proc/self/status").startswith("Name:")


def test_pipes_are_said_and_kept_at_the_destination(shell: Shell, tmp_path: Path) -> None:
    os.mkfifo(shell.folder / "pipe")
    target = tmp_path / "target"
    target.mkdir()
    (target / "pipe").write_bytes(b"kept")
    done = subprocess.run(
        [COMMAND, "sync", "--delete", str(shell.folder), str(target)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert 'skipping non-regular file "pipe"' in done.stderr
    assert (target / "pipe").read_bytes() == b"kept"


def test_a_password_in_a_url_is_not_printed(shell: Shell) -> None:
    assert "HUSH" not in shell.run("ls", "s_3://me:HUSH@host/x", status=2)
