"""Sizes and durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsspeckit_lib.common.units import format_size, parse_duration, parse_size
from fsspeckit_lib.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0), ("4096", 4096), ("10GiB", 10 << 30), ("10 GB", 10**10), ("512k", 512 << 10), ("1.5M", 3 << 19),
        ("7b", 7), ("2TiB", 2 << 40), (17, 17),
    ],
)  # fmt: skip
def test_sizes(text: str | int, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "GiB", "-1", "5x", "5 GiBs", "1e3", "0x10", "ten", "99999999TiB"])
def test_what_is_no_size_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(InvalidValue, match="size: found"):
        parse_size(text)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30.0), ("500ms", 0.5), ("5m", 300.0), ("1h", 3600.0), (0, 0.0)])
def test_durations(text: str | int, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "5 parsecs", True, "99999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="duration: found"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=1 << 60))
def test_a_printed_size_is_within_a_percent_of_the_number(size_bytes: int) -> None:
    assert parse_size(format_size(size_bytes)) == pytest.approx(size_bytes, rel=0.01)
