"""Names of cached copies: ordinary ones unchanged, no two alike, none outside, every one usable, all lead back."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsspeckit_lib.cache import FileNameCacheMapper

NAMESPACE = ("s3", "bucket")
MAPPER = FileNameCacheMapper("/cache")
FOLDING = FileNameCacheMapper("/cache", ignores_case=True)
characters = st.sampled_from("ab./%~=+-_A\0\n\x7f é日ÉßK\udc80\udcff\ud800") | st.characters(codec="utf-8")
components = st.one_of(
    st.sampled_from(["", ".", "..", "%~", "%~=", "%~-a", "%~_a", "%~+a", "a" * 255, "a" * 256, "é" * 400, "\n" * 90]),
    st.text(characters, max_size=12),
)
keys = st.lists(components, min_size=1, max_size=6).map("/".join)
mappers = pytest.mark.parametrize("mapper", [MAPPER, FOLDING], ids=["exact", "ignoring case"])


@pytest.mark.parametrize("key", ["a/b.csv", "a b/ü.txt", "100%.csv", "a%20b", ".hidden", "...", "~x", "%x", "日本/語"])
def test_ordinary_names_stay_themselves(key: str) -> None:
    assert MAPPER.relative_path(NAMESPACE, key) == f"data/s3/bucket/{key}"
    assert MAPPER(f"s3/bucket/{key}") == f"data/s3/bucket/{key}"
    assert MAPPER.cache_path(f"s3/bucket/{key}") == f"/cache/data/s3/bucket/{key}"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("../x", "%~%2E%2E/x"), ("./x", "%~%2E/x"), ("a//b", "a/%~/b"), ("a/", "a/%~"), ("/a", "%~/a"),
        ("a\0b", "%~a%00b"), ("a\nb", "%~a%0Ab"), ("%~x", "%~%25~x"), ("=\n", "%~%3D%0A"), ("\ud800", "%~%uD800"),
        ("n" * 300, f"%~-{'n' * 252}/%~_{'n' * 48}"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_name_is_escaped_visibly(key: str, path: str) -> None:
    assert MAPPER.relative_path(NAMESPACE, key) == f"data/s3/bucket/{path}"


@mappers
@given(key=keys)
def test_a_path_leads_back_to_its_key(mapper: FileNameCacheMapper, key: str) -> None:
    wanted = None if len(mapper(f"s3/bucket/{key}").split("/%~=")[-1]) == 64 and "é" * 200 in key else key
    assert mapper.key_of(NAMESPACE, mapper.relative_path(NAMESPACE, key)) == wanted
    assert mapper.key_of(NAMESPACE, mapper.relative_path(NAMESPACE, key, beside_directory=True)) in {wanted, None}
    assert mapper.remote_path(mapper.cache_path(key)) in {key, wanted}


@mappers
@given(many=st.lists(keys, unique=True, max_size=12))
def test_no_two_keys_share_a_path(mapper: FileNameCacheMapper, many: list[str]) -> None:
    paths = [
        {mapper.relative_path(NAMESPACE, key, beside_directory=beside) for beside in (False, True)} for key in many
    ]
    assert len(set().union(*paths)) == sum(map(len, paths))


@given(st.lists(keys, unique=True, max_size=12))
def test_no_two_keys_share_a_path_on_a_disk_that_ignores_case(many: list[str]) -> None:
    paths = [FOLDING.relative_path(NAMESPACE, key) for key in many]
    folded = {unicodedata.normalize("NFKD", path.casefold()) for path in paths}
    assert len(folded) == len(paths)


@mappers
@given(namespace=st.lists(components, max_size=3), key=keys)
def test_no_path_leaves_the_root(mapper: FileNameCacheMapper, namespace: list[str], key: str) -> None:
    path = mapper.relative_path(namespace, key)
    assert os.path.normpath(f"/cache/{path}") == f"/cache/{path}"
    assert path.startswith("data/")
    assert all(len(os.fsencode(part)) <= 255 for part in path.split("/"))
    assert "\0" not in path


@settings(deadline=None)  # it waits for the disk
@given(st.lists(keys, unique=True, max_size=8))
def test_the_disk_takes_every_path_and_finds_each_again(many: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        mapper = FileNameCacheMapper(folder)
        written: dict[str, bytes] = {}
        for number, key in enumerate(many):
            for beside in (False, True):
                path = f"{folder}/{mapper.relative_path((), key, beside_directory=beside)}"
                try:
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "wb") as file:
                        file.write(b"%d" % number)
                except (IsADirectoryError, NotADirectoryError, FileExistsError):
                    continue  # a key that is both a file and a prefix: the cache takes the name beside
                written[path] = b"%d" % number
        for path, data in written.items():
            assert Path(path).read_bytes() == data
            assert mapper.remote_path(path) == many[int(data)]


@pytest.mark.parametrize("key", ["x" * 256, "é" * 200, "a/" + "y" * 3000])
def test_a_long_name_is_cut_into_folders(tmp_path: Path, key: str) -> None:
    mapper = FileNameCacheMapper(str(tmp_path))
    path = tmp_path / mapper.relative_path(NAMESPACE, key)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert mapper.key_of(NAMESPACE, str(path.relative_to(tmp_path))) == key
    assert mapper.relative_path(NAMESPACE, key) != mapper.relative_path(NAMESPACE, key + "z")


@pytest.mark.parametrize("key", ["d/" * 3000 + "f", "a/" + "y" * 5000])
def test_a_path_the_kernel_cannot_take_is_hashed(tmp_path: Path, key: str) -> None:
    mapper = FileNameCacheMapper(str(tmp_path))
    path = tmp_path / mapper.relative_path(NAMESPACE, key)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert mapper.key_of(NAMESPACE, str(path.relative_to(tmp_path))) is None  # the index knows it
    assert mapper.relative_path(NAMESPACE, key) != mapper.relative_path(NAMESPACE, key + "z")


def test_a_flat_cache_has_one_folder() -> None:
    flat = FileNameCacheMapper("/cache", preserve_structure=False)
    assert flat.relative_path(NAMESPACE, "a/b/c").count("/") == 2
    assert flat.relative_path(NAMESPACE, "a/b/c") != flat.relative_path(NAMESPACE, "a/b/d")
    assert flat.relative_path(NAMESPACE, "a/b/c") == flat.relative_path(("s3",), "bucket/a/b/c")


@pytest.mark.parametrize("path", ["/elsewhere/data/s3/x", "/cache/index.sqlite3", "/cache/data/%~-cut"])
def test_what_is_no_copy_has_no_remote_path(path: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        MAPPER.remote_path(path)
