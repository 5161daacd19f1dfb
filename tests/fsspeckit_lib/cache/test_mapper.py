"""Names of cached copies: ordinary ones unchanged, no two alike, none outside, every one usable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_lib.cache import FileNameCacheMapper

NAMESPACE = ("s3", "bucket")
MAPPER = FileNameCacheMapper("/cache")
keys = st.text(st.sampled_from("ab./%~=+\0\n é日") | st.characters(codec="utf-8"), max_size=30)


@pytest.mark.parametrize("key", ["a/b.csv", "a b/ü.txt", "100%.csv", "a%20b", ".hidden", "...", "~x", "%x", "日本/語"])
def test_ordinary_names_stay_themselves(key: str) -> None:
    assert MAPPER.relative_path(NAMESPACE, key) == f"data/s3/bucket/{key}"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("../x", "%~%2E%2E/x"), ("./x", "%~%2E/x"), ("a//b", "a/%~/b"), ("a/", "a/%~"), ("/a", "%~/a"),
        ("a\0b", "%~a%00b"), ("a\nb", "%~a%0Ab"), ("%~x", "%~%25~x"), ("=\n", "%~%3D%0A"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_name_is_escaped_visibly(key: str, path: str) -> None:
    assert MAPPER.relative_path(NAMESPACE, key) == f"data/s3/bucket/{path}"


@given(keys)
def test_a_path_leads_back_to_its_key(key: str) -> None:
    assert MAPPER.key_of(NAMESPACE, MAPPER.relative_path(NAMESPACE, key)) == key
    assert MAPPER.key_of(NAMESPACE, MAPPER.relative_path(NAMESPACE, key, beside_directory=True)) == key


@given(st.lists(keys, unique=True, max_size=20))
def test_no_two_keys_share_a_path(many: list[str]) -> None:
    paths = [MAPPER.relative_path(NAMESPACE, key, beside_directory=beside) for key in many for beside in (False, True)]
    assert len(set(paths)) == len(paths)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=3), keys)
def test_no_path_leaves_the_root(namespace: list[str], key: str) -> None:
    path = MAPPER.relative_path(namespace, key)
    assert os.path.normpath(f"/cache/{path}") == f"/cache/{path}"
    assert path.startswith("data/")


@pytest.mark.parametrize("key", ["x" * 256, "é" * 200, "d/" * 3000 + "f", "a/" + "y" * 5000])
def test_what_is_too_long_gets_a_name_that_the_disk_takes(tmp_path: Path, key: str) -> None:
    mapper = FileNameCacheMapper(str(tmp_path))
    path = tmp_path / mapper.relative_path(NAMESPACE, key)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert mapper.key_of(NAMESPACE, str(path.relative_to(tmp_path))) is None
    assert mapper.relative_path(NAMESPACE, key) != mapper.relative_path(NAMESPACE, key + "z")


def test_a_flat_cache_has_one_folder() -> None:
    flat = FileNameCacheMapper("/cache", preserve_structure=False)
    assert flat.relative_path(NAMESPACE, "a/b/c").count("/") == 3
