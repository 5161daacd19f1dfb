"""The names of the older library."""

from __future__ import annotations

import pytest

from fsspeckit_lib import utils


@pytest.mark.parametrize("name", utils.__all__)
def test_each_name_says_where_it_lives(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"import {name}"):
        assert callable(getattr(utils, name))


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError):
        _ = utils.nothing
