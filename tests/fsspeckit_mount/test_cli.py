"""Bad input: one line that says what was found, what was wanted and what to do; nothing left mounted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fsspeckit_lib.testing.ports import free_ports
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from fsspeckit_mount.kernel.mounting import find_mount
from tests.fsspeckit_mount.mounts import CAN_MOUNT, COMMAND, NEEDS_FUSE, UMBRELLA, mounted, run_command

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDS_FUSE)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    for name in ("source", "mnt", "full/entry"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "source" / "file").write_bytes(b"content")
    (tmp_path / "config.yaml").write_text("storages: {lake: {protocol: file, path: " + str(tmp_path / "source") + "}}")
    mounts = f"mounts: [{{storage: {tmp_path}/source, mountpoint: {tmp_path}/mnt"
    (tmp_path / "mounts.yaml").write_text(f"{mounts}}}]")
    (tmp_path / "rw.yaml").write_text(f"{mounts}, read_only: false}}]")
    return tmp_path


_BAD: dict[str, tuple[list[str], int, list[str]]] = {
    "no arguments": ([], 2, ["Missing argument", "--help"]),
    "no mountpoint": (["source"], 2, ["MOUNTPOINT"]),
    "unknown flag": (["source", "mnt", "--atr-ttl", "1s"], 2, ["--attr-ttl"]),
    "bad duration": (["source", "mnt", "--attr-ttl", "soon"], 2, ["soon", "30s"]),
    "bad size": (["source", "mnt", "--cache-size", "lots"], 2, ["lots", "10GiB"]),
    "bad option": (["source", "mnt", "-o", "passthrough=maybe"], 2, ["maybe", "yes or no"]),
    "bad driver": (["source", "mnt", "--driver", "kernle"], 2, ["kernel"]),
    "unknown driver": (["source", "mnt", "--driver", "fuse"], 2, ["kernel", "libfuse"]),
    "bad mode": (["source", "mnt", "--umask", "9"], 2, ["umask", "octal"]),
    "unknown user": (["source", "mnt", "--uid", "nobody-of-that-name"], 2, ["uid", "a user"]),
    "mounts without any": (["--config", "config.yaml"], 2, ["found no mounts"]),
    "bad level": (["source", "mnt", "--log-level", "loud"], 2, ["loud", "debug"]),
    "missing mountpoint": (["source", "nowhere"], 2, ["does not exist", "mkdir -p"]),
    "mountpoint is a file": (["source", "source/file"], 2, ["is not a directory"]),
    "mountpoint is not empty": (["source", "full"], 2, ["is not empty (1 entries)"]),
    "unknown scheme": (["s4://bucket", "mnt"], 2, ["s4", "did you mean"]),
    "misspelt option of the mount": (["source", "mnt", "-o", "atr_ttl=5s"], 2, ["did you mean 'attr_ttl'"]),
    "misspelt option of the process": (["source", "mnt", "-o", "cachedir=x"], 2, ["did you mean 'cache_dir'"]),
    "option with a hyphen": (["s3://bucket", "mnt", "-o", "allow-other"], 2, ["did you mean 'allow_other'"]),
    "misspelt option of the storage": (
        ["s3://bucket", "mnt", "-o", "enpoint_url=http://127.0.0.1:1"],
        2,
        ["did you mean 'endpoint_url'"],
    ),
    "misspelt option for all mounts": (["--config", "mounts.yaml", "-o", "atr_ttl=5s"], 2, ["did you mean 'attr_ttl'"]),
    "option of a storage for all mounts": (["--config", "mounts.yaml", "-o", "region=x"], 2, ["below storages:"]),
    "a mount to write to": (["source", "mnt", "-o", "rw"], 2, ["-o rw", "only be read"]),
    "a configured mount to write to": (["--config", "rw.yaml"], 2, ["mnt", "read_only=false", "only be read"]),
    "another mount at its place": (["source", "mnt", "-o", "remount,ro"], 2, ["unmount it"]),
    "unknown storage option": (["source", "mnt", "-o", "colour=red"], 2, ["colour", "passthrough"]),
    "missing source": (["source/nowhere", "mnt"], 1, ["no such directory"]),
    "source is a file": (["source/file", "mnt"], 1, ["is a file"]),
    "unknown storage": (["laek", "mnt", "--config", "config.yaml"], 2, ["laek", "lake"]),
    "missing configuration": (["lake", "mnt", "--config", "nowhere.yaml"], 1, ["nowhere.yaml"]),
    "cache below the mountpoint": (["source", "mnt", "--cache-dir", "mnt/cache"], 2, ["lies below the mountpoint"]),
    "mountpoint below the source": ([".", "mnt"], 2, ["below the other"]),
    "cache is a file": (["source", "mnt", "--cache-dir", "config.yaml"], 1, ["config.yaml", "wanted a folder"]),
    "cache in the source": (
        ["source", "mnt", "--cache-dir", "source/cache"],
        2,
        ["source/cache", "name a place apart"],
    ),
    "endless duration": (["source", "mnt", "--attr-ttl", "99999999999999999999d"], 2, ["at most 3650d"]),
}


@pytest.mark.parametrize("case", sorted(_BAD))
def test_bad_input(places: Path, case: str) -> None:
    arguments, wanted_status, wanted_words = _BAD[case]
    command = [COMMAND, *arguments]
    if "--cache-dir" not in arguments:
        command += ["--cache-dir", "cache"]
    finished = subprocess.run(
        [*command, "--log-file", "log"], cwd=places, capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == wanted_status
    assert finished.stdout == ""
    assert finished.stderr.startswith("fsspeckit-mount: ")
    assert finished.stderr.count("\n") == 1
    for words in wanted_words:
        assert words in finished.stderr
    assert "Traceback" not in finished.stderr + (places / "log").read_text() if (places / "log").exists() else True
    assert find_mount(str(places / "mnt")) is None


def test_an_occupied_mountpoint(places: Path) -> None:
    with mounted(places / "source", places) as mount:
        for command in ([COMMAND, "source"], [UMBRELLA, "mount", "source"]):
            status, words = run_command(*command, mount.path, "--cache-dir", places / "c2", "--log-file", places / "l2")
            assert status == 1
            assert "already mounted there" in words
            assert "fsspeckit umount" in words
            assert words.count("\n") == 1
        assert (mount.path / "file").read_bytes() == b"content"


def test_s3_troubles(places: Path, s3_server: SeaweedFS) -> None:
    s3_server.create_bucket("there")
    options = s3_server.storage_options()
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    cases = {
        "missing bucket": ("s3://nowhere", options, "nowhere"),
        "wrong secret": ("s3://there", {**options, "secret_access_key": "wrong-and-secret"}, "s3://there"),
        "unknown key": ("s3://there", {**options, "access_key_id": "nobody"}, "s3://there"),
        "nobody answers": ("s3://there", {**options, "endpoint_url": nobody}, "endpoint"),
    }
    for case, (source, pairs, wanted) in cases.items():
        joined = ",".join(f"{name}={value}" for name, value in pairs.items())
        status, words = run_command(
            COMMAND, source, places / "mnt", "-o", joined, "--cache-dir", places / "c", "--log-file", places / "log"
        )
        assert status == 1, case
        assert words.startswith("fsspeckit-mount: "), case
        assert wanted in words, case
        assert words.count("\n") == 1, case
        assert find_mount(str(places / "mnt")) is None, case
        for text in (words, (places / "log").read_text()):
            assert pairs["secret_access_key"] not in text
            assert "Traceback" not in text


def test_secrets_are_on_no_command_line_and_in_no_log(places: Path, s3_server: SeaweedFS) -> None:
    s3_server.create_bucket("secrets")
    options = s3_server.storage_options()
    joined = ",".join(f"{name}={value}" for name, value in options.items())
    with mounted("s3://secrets", places, "-o", joined, "--log-level", "debug") as mount:
        assert os.listdir(mount.path) == []
        assert options["secret_access_key"].encode() not in Path(f"/proc/{mount.pid}/cmdline").read_bytes()
        assert options["secret_access_key"] not in mount.log.read_text()
        assert options["secret_access_key"] not in Path("/proc/self/mountinfo").read_text()


def test_a_storage_by_its_name(places: Path) -> None:
    with mounted("lake", places, "--config", str(places / "config.yaml")) as mount:
        assert (mount.path / "file").read_bytes() == b"content"


def test_the_default_log_lies_in_the_state_home(places: Path) -> None:
    environment = {"XDG_STATE_HOME": str(places / "state"), "XDG_CACHE_HOME": str(places / "home")}
    try:
        assert run_command(COMMAND, places / "source", places / "mnt", env=environment) == (0, "")
        logs = list((places / "state" / "fsspeckit").iterdir())
        assert len(logs) == 1
        assert "mounted file://" in logs[0].read_text()
        assert (places / "home" / "fsspeckit").is_dir()
    finally:
        assert run_command(UMBRELLA, "umount", places / "mnt") == (0, "")


def test_umount_of_what_is_not_ours(places: Path) -> None:
    cases: dict[str | Path, str] = {places / "mnt": "nothing is", "nowhere": "nothing is", "/proc": "use umount"}
    for path, words in cases.items():
        status, said = run_command(UMBRELLA, "umount", path)
        assert status == 1
        assert words in said
        assert said.count("\n") == 1


def test_without_the_device_it_says_why_and_what_to_do(places: Path) -> None:
    """A mount namespace whose /dev has no fuse, as in a container that was started without it."""
    command = f"{COMMAND} {places}/source {places}/mnt --cache-dir {places}/cache --log-file {places}/log"
    script = f"mount -t tmpfs none /dev && mknod /dev/null c 1 3 && exec {command}"
    status, words = run_command("unshare", "-m", "sh", "-c", script)
    assert status == 1
    assert "there is no /dev/fuse" in words
    assert "--device /dev/fuse" in words
    assert words.count("\n") == 1


def test_without_libfuse_the_driver_says_what_to_install(places: Path) -> None:
    words = (COMMAND, "source", "mnt", "--driver", "libfuse", "--cache-dir", "cache", "--log-file", "log")
    finished = subprocess.run(
        words, cwd=places, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "FUSE_LIBRARY_PATH": "/nowhere/libfuse3.so"},
    )  # fmt: skip
    assert finished.returncode == 1
    assert "apt-get install fuse3" in finished.stderr
    assert "--driver kernel" in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert find_mount(str(places / "mnt")) is None


def test_help_names_every_option() -> None:
    finished = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True)
    for word in ("--attr-ttl", "--dir-ttl", "--cache-size", "--driver", "--foreground", "--config", "passthrough"):
        assert word in finished.stdout
