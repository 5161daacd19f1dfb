"""Fixtures for every test: a real S3 server, one for each test process, and stores on fresh buckets of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.seaweedfs import SeaweedFS

pytest.register_assert_rewrite("fsspeckit_lib.testing.contract")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A running SeaweedFS; it ends with the session."""
    with SeaweedFS.start(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture
def s3_store(s3_server: SeaweedFS) -> ObstoreObjects:
    """A store on an empty prefix of its own."""
    s3_server.create_bucket("tests")
    store = open_store(f"s3://tests/store-{next(_numbers)}", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    return store


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """A function that writes a file below the test's folder `bucket`, with its parents."""

    def write(key: str, data: bytes) -> Path:
        path = tmp_path / "bucket" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write
