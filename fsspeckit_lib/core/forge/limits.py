"""How long to wait before a request is sent again: urllib3's backoff, and what the two forges say of their limits.

Pure but for the wall clock, which their reset times are of. GitLab sends `RateLimit-Remaining` and `RateLimit-Reset`
(seconds since the epoch) and 429 with `Retry-After`; some of its limits and the proxies before it send 429 with no
header at all, as HTML. GitHub sends `X-RateLimit-Remaining`/`-Reset` and answers 403 or 429 once nothing is left; its
secondary limits send `Retry-After`, or only say so in words.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import RequestHistory, Retry

__all__ = ["ForgeRetry", "limit_words", "reset_after_s"]

_BACKOFF_S = 0.25
_BACKOFF_MAX_S = 20.0
_SECONDARY = re.compile(r"secondary rate limit|abuse detection|too many requests|retry later", re.I)


class ForgeRetry(Retry):
    """urllib3's count and backoff of retries, where the forges' own reset times win over the backoff."""

    @classmethod
    def of(cls, max_retries: int) -> ForgeRetry:
        """Return a fresh count for one request."""
        return cls(total=max_retries, backoff_factor=_BACKOFF_S, backoff_max=_BACKOFF_MAX_S, backoff_jitter=_BACKOFF_S)

    def is_left(self) -> bool:
        """Tell whether another try is allowed."""
        return isinstance(self.total, int) and self.total > 0

    def next(self) -> ForgeRetry:
        """Return the count after one more failure."""
        history = (*self.history, RequestHistory(None, None, None, None, None))
        left = self.total - 1 if isinstance(self.total, int) else 0
        return self.new(total=left, history=history)

    def backoff_s(self) -> float:
        """Return the wait after this failure when the server says nothing: 0.25 s, 0.5 s, … with jitter, up to 20 s."""
        return self.next().get_backoff_time() or _BACKOFF_S

    def wait_s(self, status: int, headers: Mapping[str, str]) -> float:
        """Return the wait that the answer asks for, else the backoff."""
        asked = reset_after_s(status, headers)
        return asked if asked is not None else self.backoff_s()

    def get_backoff_time(self) -> float:
        """Count every failure: urllib3 leaves the first retry without a wait."""
        failures = len(self.history)
        if failures == 0:
            return 0.0
        backoff = self.backoff_factor * 2 ** (failures - 1) + random.random() * self.backoff_jitter
        return float(min(self.backoff_max, backoff))

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Return the wait of a response, for urllib3's own loop too."""
        return reset_after_s(response.status, {name.lower(): value for name, value in response.headers.items()})


def reset_after_s(status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that an answer's headers ask for, at least 0; None when they ask for nothing."""
    retry_after = headers.get("retry-after")
    if retry_after is not None:
        try:
            return max(0.0, Retry(0).parse_retry_after(retry_after))
        except InvalidHeader:
            pass
    for prefix in ("ratelimit", "x-ratelimit"):
        reset = headers.get(f"{prefix}-reset", "")
        if headers.get(f"{prefix}-remaining") == "0" or (status == 429 and reset):
            try:
                return max(0.0, float(reset) - time.time())
            except ValueError:
                continue
    return None


def limit_words(status: int, headers: Mapping[str, str], words: str) -> str | None:
    """Return what to say of an answer that means "too many requests"; None when it means something else."""
    spent = headers.get("x-ratelimit-remaining") == "0"
    if status != 429 and not (status == 403 and (spent or "retry-after" in headers or _SECONDARY.search(words))):
        return None
    after_s = reset_after_s(status, headers)
    if after_s is None:
        return f"the server's rate limit is reached ({status}); it does not say until when; try again later"
    until = datetime.fromtimestamp(time.time() + after_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"the server's rate limit is reached ({status}) until {until}; try again then, or give a token with more"
