from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import pytest

from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.datasets import discover_files, is_data_file
from fsspeckit_lib.datasets.discovery import require_files
from fsspeckit_lib.errors import NotFound


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a.parquet", True),
        ("x/y=1/A.PARQUET", True),
        ("a.parq", True),
        ("a.csv", False),
        ("_SUCCESS", False),
        ("_temporary/a.parquet", False),
        ("_delta_log/0.checkpoint.parquet", False),
        (".tmp/a.parquet", False),
        ("x/.a.parquet", False),
        ("_kind=a/b.parquet", True),
        ("parquet", False),
    ],
)
def test_which_names_are_data(key: str, expected: bool) -> None:
    assert is_data_file(key) is expected


def _touch(folder: Path, name: str, content: bytes = b"x") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_files_come_in_order_and_empty_ones_too(tmp_path: Path) -> None:
    for name in ("b/2.parquet", "a/1.parquet", "c.parquet", "d.txt"):
        _touch(tmp_path, name)
    for name in ("empty.parquet", "_SUCCESS", ".tmp.parquet"):
        _touch(tmp_path, name, b"")
    assert [info.key for info in discover_files(open_store(str(tmp_path)))] == [
        *("a/1.parquet", "b/2.parquet", "c.parquet", "empty.parquet")
    ]


class _Listed:
    """What lists given keys; an object storage can hold a key and others below it, which a disk cannot."""

    url = "s3://bucket"

    def __init__(self, **sizes_bytes: int) -> None:
        self._infos = [ObjectInfo(key, size, 0, None) for key, size in sizes_bytes.items()]

    def list_recursive(self, _prefix: str) -> list[list[ObjectInfo]]:
        return [self._infos]


def test_an_empty_object_that_marks_a_folder_is_no_file() -> None:
    store = _Listed(**{"day.parquet": 0, "day.parquet/1.parquet": 1, "lost.parquet": 0})
    found = discover_files(cast("ObjectStore", store))
    assert [info.key for info in found] == ["day.parquet/1.parquet", "lost.parquet"]


def test_a_table_format_is_named_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _touch(tmp_path, "a.parquet")
    _touch(tmp_path, "_delta_log/00.json")
    with caplog.at_level(logging.WARNING):
        discover_files(open_store(str(tmp_path)))
    assert "Delta Lake" in caplog.text


def test_a_folder_without_parquet_files_says_what_it_holds(tmp_path: Path) -> None:
    _touch(tmp_path, "notes.txt")
    with pytest.raises(NotFound) as caught:
        require_files(open_store(str(tmp_path)), "trips")
    text = str(caught.value)
    assert "\n" not in text
    assert "trips" in text
    assert "notes.txt" in text
    assert "*.parquet" in text


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        require_files(open_store(str(tmp_path / "nowhere")), "trips")
