"""The contract of storages, on every one of them: real servers, each started once a test process."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import obstore
import pytest

from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.contract import ContractPlace, ReadContract, WriteContract, fill
from fsspeckit_lib.testing.gcs_xml import GcsXml
from fsspeckit_lib.testing.servers import Azurite, FakeGcs, Moto, OpenSsh, web_server

_numbers = itertools.count(1)


def _write_below(folder: Path) -> ContractPlace:
    def put(key: str, data: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return ContractPlace(open_store(str(folder)), put)


def _of_obstore(url: str, options: dict[str, str]) -> ContractPlace:
    store = open_store(url, options)
    assert isinstance(store, ObstoreObjects)
    behind = open_store(url, options)
    assert isinstance(behind, ObstoreObjects)
    return fill(ContractPlace(store, lambda key, data: obstore.put(behind.native, key, data)))


class TestLocal(WriteContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> ContractPlace:
        (tmp_path / "bucket").mkdir()
        return fill(_write_below(tmp_path / "bucket"))


class TestMemory(WriteContract):
    creates_atomically = False

    @pytest.fixture
    def place(self, tmp_path: Path) -> ContractPlace:
        memory = fsspec.filesystem("memory")
        root = f"/{tmp_path.name}"
        store = open_store(f"memory:/{root}")
        return fill(ContractPlace(store, lambda key, data: memory.pipe_file(f"{root}/{key}", data)))


class TestSeaweedFS(WriteContract):
    @pytest.fixture
    def place(self, s3_store: ObstoreObjects) -> ContractPlace:
        return fill(ContractPlace(s3_store, lambda key, data: obstore.put(s3_store.native, key, data)))


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with Moto.start(tmp_path_factory.mktemp("moto")) as server:
        server.create_bucket("tests")
        yield server


class TestMoto(WriteContract):
    @pytest.fixture
    def place(self, moto: Moto) -> ContractPlace:
        return _of_obstore(f"s3://tests/place-{next(_numbers)}", moto.storage_options())


@pytest.fixture(scope="module")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGcs]:
    with FakeGcs.start(tmp_path_factory.mktemp("gcs")) as server:
        yield server


class TestGcs(WriteContract):
    """Through `GcsXml`: of the XML API, which obstore speaks, the emulator has the reading half only."""

    @pytest.fixture
    def place(self, fake_gcs: FakeGcs) -> Iterator[ContractPlace]:
        name = f"place-{next(_numbers)}"
        with GcsXml.start(fake_gcs.endpoint_url) as url:
            store = open_store(f"gs://tests/{name}", {**fake_gcs.storage_options(), "endpoint_url": url})
            yield fill(ContractPlace(store, lambda key, data: fake_gcs.put("tests", f"{name}/{key}", data)))


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with Azurite.start(tmp_path_factory.mktemp("azurite")) as server:
        server.create_container("tests")
        yield server


class TestAzure(WriteContract):
    @pytest.fixture
    def place(self, azurite: Azurite) -> ContractPlace:
        return _of_obstore(f"az://tests/place-{next(_numbers)}", azurite.storage_options())


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with OpenSsh.start(tmp_path_factory.mktemp("sshd")) as server:
        yield server


class TestSftp(WriteContract):
    creates_atomically = False

    @pytest.fixture
    def place(self, sshd: OpenSsh) -> ContractPlace:
        name = f"place-{next(_numbers)}"
        folder = Path(sshd.folder) / name
        folder.mkdir()
        behind = _write_below(folder)
        place = ContractPlace(
            open_store(f"{sshd.url}/{name}", sshd.storage_options()), behind.put, same_second_changes=False
        )
        return fill(place)


@pytest.mark.parametrize("with_ranges", [True, False])
class TestHttp(ReadContract):
    @pytest.fixture
    def place(self, with_ranges: bool, tmp_path: Path) -> Iterator[ContractPlace]:
        folder = tmp_path / "web"
        folder.mkdir()
        behind = fill(_write_below(folder))
        for number, path in enumerate(sorted(folder.rglob("*"))):
            os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        with web_server(tmp_path, with_ranges=with_ranges) as url:
            yield ContractPlace(open_store(f"{url}/web"), behind.put, same_second_changes=False)
