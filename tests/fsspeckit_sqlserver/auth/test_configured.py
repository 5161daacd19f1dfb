"""`sqlserver.users`, `access` and `ssl_…` of the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.service.sqlserver_settings import SqlServerSettings
from fsspeckit_sqlserver.auth.configured import AuthConfig, auth_config
from fsspeckit_sqlserver.auth.passwords import make_verifier


def _config(host: str = "127.0.0.1", **settings: Any) -> AuthConfig:
    return auth_config(SqlServerSettings.model_validate(settings), host)


def test_without_users_this_machine_may_and_nobody_else_can() -> None:
    (rule,) = _config().rules
    assert rule.method == "trust"
    assert rule.networks is not None
    assert list(map(str, rule.networks)) == ["127.0.0.0/8", "::1/128"]
    with pytest.raises(BadInput, match="nobody asks them for a password"):
        _config("0.0.0.0")


def test_with_users_everybody_needs_a_password() -> None:
    config = _config("0.0.0.0", users={"ann": {"password": str(make_verifier("x"))}})
    assert [rule.method for rule in config.rules] == ["scram-sha-256"]
    assert config.rules[0].networks is None
    assert "SCRAM" not in repr(config)


def test_rules_are_taken_in_order() -> None:
    config = _config(
        "0.0.0.0",
        users={"ann": {"password": "pencil"}, "bob": {}},
        ssl_cert="cert.pem",
        ssl_ca="ca.pem",
        access=[
            {"method": "trust", "addresses": "loopback"},
            {"method": "cert", "users": ["bob"], "tls": "required"},
            {"method": "scram-sha-256", "users": ["ann"], "databases": "lake", "addresses": ["10.0.0.0/8"]},
        ],
    )
    assert [(rule.method, rule.users, rule.databases, rule.tls) for rule in config.rules] == [
        ("trust", None, None, "any"),
        ("cert", frozenset({"bob"}), None, "required"),
        ("scram-sha-256", frozenset({"ann"}), frozenset({"lake"}), "any"),
    ]
    assert list(config.users) == ["ann"]
    assert config.tls is not None
    assert config.tls.key == "cert.pem"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"access": [{"method": "trust"}]}, r"access\[0\]: found method trust for all addresses"),
        ({"access": [{"method": "cert"}]}, r"access\[0\]: method cert wants sqlserver\.ssl_cert and sqlserver\.ssl_ca"),
        (
            {"access": [{"method": "cert"}], "ssl_cert": "x"},
            r"method cert wants sqlserver\.ssl_cert and sqlserver\.ssl_ca",
        ),
        ({"access": [{"method": "reject", "tls": "required"}]}, r"wants TLS, but sqlserver\.ssl_cert is not set"),
        ({"access": [{"method": "reject", "addresses": "nowhere"}]}, r"access\[0\]\.addresses: found 'nowhere'"),
        (
            {"users": {"anna": {}}, "access": [{"method": "scram-sha-256", "users": ["ann"]}]},
            r"access\[0\]\.users.*'ann'.*did you mean 'anna'",
        ),
        ({"ssl_key": "x"}, r"ssl_key: is set, but sqlserver\.ssl_cert is not"),
        ({"users": {"old": {"password": "md5" + 32 * "0"}}}, "found an md5 hash for old, which no rule"),
        ({"users": {"ann": {"password": "SCRAM-SHA-256$1"}}}, r"users\.ann\.password: found a damaged"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        _config(**settings)
