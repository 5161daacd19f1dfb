"""What the demonstration runs on: an S3 server or a folder, a mount, a SQL server; started in order, ended in reverse.

The daemons are started as a user starts them: by their commands.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fsspeckit_lib.demo.bucket import SampleBucket, build_bucket, upload_bucket
from fsspeckit_lib.errors import GatewayError, Unavailable
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

__all__ = ["Stage", "command_path", "mounted", "sql_server", "storage"]

_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A storage that holds the sample bucket.

    Attributes:
        sample: what lies in it.
        url: as the commands take it.
        environment: of the commands; carries the keys of an S3 server, so that no process list shows them.
    """

    sample: SampleBucket
    url: str
    environment: Mapping[str, str] = field(repr=False)


def command_path(name: str) -> str:
    """Return the path of one of this distribution's commands, from the environment that runs now."""
    beside_python = os.path.join(sysconfig.get_path("scripts"), name)
    found = beside_python if os.access(beside_python, os.X_OK) else shutil.which(name)
    if found is None:
        raise Unavailable(f"demo: the command {name!r} is not installed; install fsspeckit-gateway with pip")
    return found


@contextlib.contextmanager
def storage(kind: str, folder: Path) -> Iterator[Stage]:
    """Build the sample bucket in a local folder, or on a real S3 server that lives as long as the block."""
    sample = build_bucket(folder / "bucket")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    if kind == "local":
        yield Stage(sample, f"file://{sample.folder}", environment)
        return
    with SeaweedFS.start(folder / "s3") as server:
        server.create_bucket("demo")
        upload_bucket(sample, "demo", server.storage_options())
        environment |= {
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": server.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
            "AWS_REGION": "us-east-1",
        }
        yield Stage(sample, "s3://demo", environment)


@contextlib.contextmanager
def mounted(command: Sequence[str], mountpoint: Path, environment: Mapping[str, str]) -> Iterator[str | None]:
    """Run the mount command, which returns once the mount answers; yield None, or its one line when it could not."""
    result = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        yield result.stderr.strip() or f"{command[0]} ended with status {result.returncode}"
        return
    try:
        yield None
    finally:
        subprocess.run([command_path("fsspeckit"), "umount", str(mountpoint)], check=False, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def sql_server(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Run the SQL server; yield its line that says it is ready, and end it with the block.

    Raises:
        GatewayError: it ended, or did not say that it is ready within a minute; carries its own words.
    """
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    try:
        yield _first_line(process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        readable, _, _ = select.select([process.stdout], [], [], 0.5)
        if readable:
            line = process.stdout.readline().strip()
            if line:
                return line
        if process.poll() is not None:
            words = process.stderr.read().strip().splitlines()
            raise GatewayError(words[-1] if words else f"the SQL server ended with status {process.returncode}")
    raise Unavailable(f"the SQL server did not say that it is ready within {_READY_TIMEOUT_S:.0f} s; ended it")
