"""What `pip install fsspeckit-gateway` brings is enough to start: nothing imports what only an extra brings."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

_OF_EXTRAS = [
    "adlfs", "aiobotocore", "aiohttp", "asyncssh", "botocore", "gcsfs", "mfusepy", "pandas", "paramiko", "polars",
    "prometheus_client", "psycopg", "pyspark", "requests", "s3fs",
]  # fmt: skip
_PROGRAM = """
import importlib, sys
for name in sys.argv[2].split(","):
    sys.modules[name] = None
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize(
    "module",
    [
        "fsspeckit_lib", "fsspeckit_lib.cache", "fsspeckit_lib.cache_commands", "fsspeckit_lib.cli",
        "fsspeckit_lib.common", "fsspeckit_lib.core", "fsspeckit_lib.datasets", "fsspeckit_lib.sql",
        "fsspeckit_lib.storage_options", "fsspeckit_mount.cli", "fsspeckit_mount.daemon", "fsspeckit_sqlserver.cli",
        "fsspeckit_sqlserver.daemon",
    ],
)  # fmt: skip
def test_everything_starts_without_the_extras(module: str) -> None:
    words = [sys.executable, "-c", textwrap.dedent(_PROGRAM), module, ",".join(_OF_EXTRAS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
