"""What the forges' answers say of waiting."""

from __future__ import annotations

import time

import pytest

from fsspeckit_lib.core.forge.limits import ForgeRetry, limit_words, reset_after_s

_SOON = "30 s from now"  # replaced when the test runs: the suite may take longer than that to get here


@pytest.mark.parametrize(
    ("status", "headers", "low", "high"),
    [
        (429, {"retry-after": "7"}, 7, 7),
        (429, {"retry-after": "0"}, 0, 0),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": _SOON}, 20, 31),
        (429, {"ratelimit-reset": _SOON}, 20, 31),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": _SOON}, 20, 31),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": "1"}, 0, 0),
    ],
)
def test_a_reset_time_is_read(status: int, headers: dict[str, str], low: float, high: float) -> None:
    soon = str(int(time.time()) + 30)
    found = reset_after_s(status, {name: soon if value == _SOON else value for name, value in headers.items()})
    assert found is not None
    assert low <= found <= high


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {}),
        (429, {"retry-after": "soon"}),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": "tomorrow"}),
        (200, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": _SOON}),
        (500, {}),
    ],
)
def test_no_reset_time_is_none(status: int, headers: dict[str, str]) -> None:
    assert reset_after_s(status, headers) is None


def test_which_answers_are_limits() -> None:
    assert limit_words(429, {}, "") is not None
    assert limit_words(403, {"x-ratelimit-remaining": "0"}, "API rate limit exceeded") is not None
    assert limit_words(403, {"retry-after": "60"}, "") is not None
    assert limit_words(403, {}, "You have exceeded a secondary rate limit. Please wait.") is not None
    assert limit_words(403, {"x-ratelimit-remaining": "17"}, "Forbidden") is None
    assert limit_words(404, {"x-ratelimit-remaining": "0"}, "") is None
    words = limit_words(429, {"retry-after": "3600"}, "")
    assert words is not None
    assert "UTC" in words


def test_backoff_grows_and_is_bounded() -> None:
    retry = ForgeRetry.of(8)
    waits = []
    while retry.is_left():
        waits.append(retry.backoff_s())
        retry = retry.next()
    assert len(waits) == 8
    for at, wait in enumerate(waits):
        assert 0.25 * 2**at <= wait + 1e-9 or wait == 20
        assert wait <= min(20, 0.25 * 2**at + 0.25)
