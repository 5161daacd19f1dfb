"""Calls that fail and are made again; pauses are written down, not slept."""

from __future__ import annotations

import pytest

from fsspeckit_lib.common.retry import retry_with_backoff
from fsspeckit_lib.errors import NotFound, Unavailable


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (3, 4)])
def test_success_ends_it(failures: int, calls: int) -> None:
    made, pauses = list[int](), list[float]()

    @retry_with_backoff(max_retries=3, base_delay=1.0, max_delay=2.0, sleep=pauses.append)
    def ask(word: str) -> str:
        made.append(1)
        if len(made) <= failures:
            raise Unavailable("down")
        return word

    assert ask("yes") == "yes"
    assert (len(made), len(pauses)) == (calls, failures)
    assert all(0 <= pause <= 2.0 for pause in pauses)


@pytest.mark.parametrize(("error", "calls"), [(Unavailable("down"), 3), (NotFound("gone"), 1)])
def test_the_last_error_comes_out(error: Exception, calls: int) -> None:
    made = list[int]()

    @retry_with_backoff(max_retries=2, sleep=lambda _: None)
    def ask() -> None:
        made.append(1)
        raise error

    with pytest.raises(type(error), match=str(error)):
        ask()
    assert len(made) == calls


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="below 0"):
        retry_with_backoff(max_retries=-1)
