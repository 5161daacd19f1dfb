"""The tree itself: kinds are unique, every error pickles with its facts, every text is one line."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fsspeckit_lib import errors


def _tree(root: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)


ALL = list(_tree(errors.GatewayError))


def test_every_kind_is_unique() -> None:
    kinds = [error.kind for error in ALL]
    assert len(kinds) == len(set(kinds))


def test_every_error_is_exported() -> None:
    assert {error.__name__ for error in ALL} == set(errors.__all__)


@pytest.mark.parametrize(
    "error",
    [
        errors.CacheStale("s3://b/k", "1:a", "2:b"),
        errors.ShortRead("s3://b/k", 10, 100, 3),
        errors.NotFound("s3://b/k: not found"),
    ],
)
def test_errors_pickle_with_their_facts(error: errors.GatewayError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_a_text_is_one_line() -> None:
    assert str(errors.Unavailable("a:\n  b\n\nc")) == "a: b c"


def test_importing_the_library_loads_no_heavy_module() -> None:
    heavy = {"fsspec", "duckdb", "pyarrow", "obstore", "pydantic"}
    code = f"import sys, fsspeckit_lib; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
