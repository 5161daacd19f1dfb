"""`filesystem()` on local, memory and S3, as pandas and pyarrow use it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from fsspeckit_lib import filesystem
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.errors import UnknownName, Unsupported
from fsspeckit_lib.testing.seaweedfs import SeaweedFS


@pytest.fixture(params=["local", "memory", "s3"])
def url_and_options(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str]]:
    if request.param == "local":
        (tmp_path / "root").mkdir()
        return str(tmp_path / "root"), {}
    if request.param == "memory":
        filesystem("memory").mkdirs(f"/{tmp_path.name}", exist_ok=True)
        return f"memory://{tmp_path.name}", {}
    store: ObstoreObjects = request.getfixturevalue("s3_store")
    server: SeaweedFS = request.getfixturevalue("s3_server")
    return f"{store.url}/some prefix", server.storage_options()


def test_files_come_back_as_they_were_written(url_and_options: tuple[str, dict[str, str]]) -> None:
    fs = filesystem(url_and_options[0], url_and_options[1])
    data = bytes(range(256)) * 100_000
    fs.makedirs("a", exist_ok=True)
    with fs.open("a/ü b.bin", "wb") as file:
        for start in range(0, len(data), 1 << 20):
            file.write(data[start : start + (1 << 20)])
    assert fs.cat("a/ü b.bin") == data
    assert fs.cat_file("a/ü b.bin", start=-3) == data[-3:]
    assert fs.info("a/ü b.bin")["size"] == len(data)
    with fs.open("a/ü b.bin", "rb") as file:
        file.seek(1_000_003)
        assert file.read(17) == data[1_000_003:1_000_020]
        file.seek(-5, 2)
        assert file.read() == data[-5:]
    fs.cp_file("a/ü b.bin", "a/copy.bin")
    assert fs.find("") == ["a/copy.bin", "a/ü b.bin"]
    assert sorted(fs.ls("a", detail=False)) == ["a/copy.bin", "a/ü b.bin"]
    fs.rm("a/copy.bin")
    assert not fs.exists("a/copy.bin")
    with pytest.raises(FileNotFoundError):
        fs.cat("nope")


def test_pyarrow_reads_and_writes_a_dataset(url_and_options: tuple[str, dict[str, str]]) -> None:
    fs = filesystem(url_and_options[0], url_and_options[1])
    table = pa.table({"n": [1, 2, 3], "p": ["x", "x", "y"]})
    pq.write_to_dataset(table, "set", partition_cols=["p"], filesystem=fs)
    read = ds.dataset("set", filesystem=fs, partitioning="hive").to_table(filter=ds.field("p") == "x")
    assert sorted(read["n"].to_pylist()) == [1, 2]


def test_a_failed_write_leaves_no_object(s3_store: ObstoreObjects, s3_server: SeaweedFS) -> None:
    fs = filesystem(s3_store.url, s3_server.storage_options())
    with pytest.raises(TypeError), fs.open("z", "wb") as file:  # noqa: PT012 - the block is what fails
        file.write(b"half")
        file.write(None)
    assert not fs.exists("z")


def test_s3_cannot_append_and_says_so(s3_store: ObstoreObjects, s3_server: SeaweedFS) -> None:
    fs = filesystem(s3_store.url, s3_server.storage_options())
    with pytest.raises(Unsupported, match="cannot append"):
        fs.open("x", "ab")


def test_wrong_keys_are_a_permission_error(s3_store: ObstoreObjects, s3_server: SeaweedFS) -> None:
    fs = filesystem(s3_store.url, {**s3_server.storage_options(), "secret_access_key": "wrong"})
    with pytest.raises(PermissionError, match="credentials"):
        fs.ls("")


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 's3'"):
        filesystem("s33://bucket")
