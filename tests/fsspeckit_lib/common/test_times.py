"""Times as people write them."""

from __future__ import annotations

import datetime

import pytest

from fsspeckit_lib.common.times import timestamp_from_string
from fsspeckit_lib.errors import InvalidValue

NOON = datetime.datetime(2024, 3, 1, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01T12:00:00Z", "20240301T120000Z", "2024-03-01 13:00+01:00", "2024-03-01 12:00", "2024/03/01 12:00",
        "1.3.2024 12:00", "1 Mar 2024 12:00", "March 1, 2024 12:00 PM", "Fri, 01 Mar 2024 12:00:00 GMT",
        "@1709294400", "2024-03-01 13:00 Europe/Berlin", "2024/03/01 12:00 UTC",
    ],
)  # fmt: skip
def test_noon(text: str) -> None:
    assert timestamp_from_string(text) == NOON


def test_zones() -> None:
    assert timestamp_from_string("2024-03-01 13:00", "Europe/Berlin") == NOON
    assert timestamp_from_string("2024-03-01T12:00Z", "Europe/Berlin", naive=True) == datetime.datetime(2024, 3, 1, 13)  # noqa: DTZ001
    assert timestamp_from_string("2024-03-01 12:00").tzinfo is datetime.UTC


@pytest.mark.parametrize("text", ["", "soon", "01/02/2024", "2024-13-01", "2024-02-30", "12:00", "@x"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidValue):
        timestamp_from_string(text)
    with pytest.raises(InvalidValue):
        timestamp_from_string("2024-03-01", "Mars/Base")
