"""Nobody but this machine gets in without a password."""

from __future__ import annotations

import pytest

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_sqlserver.auth.loopback import require_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_let_be(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.1", "10.0.0.1", "example.com", "localhost.example.com", ""]
)
def test_everything_else_is_refused(host: str) -> None:
    with pytest.raises(InvalidValue, match=r"listen on 127\.0\.0\.1"):
        require_loopback(host)
