"""Access rules: the first match decides."""

from __future__ import annotations

import pytest

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_sqlserver.auth.access import AccessRule, Peer, find_rule, parse_networks
from fsspeckit_sqlserver.auth.errors import InvalidAuthorization

RULES = (
    AccessRule("reject", users=frozenset({"eve"})),
    AccessRule("trust", networks=parse_networks(["loopback"], "here")),
    AccessRule("cert", databases=frozenset({"vault"}), tls="required"),
    AccessRule("scram-sha-256", networks=parse_networks(["10.0.0.0/8", "fd00::/8"], "here"), tls="required"),
    AccessRule("md5", users=frozenset({"old"}), tls="none"),
)


@pytest.mark.parametrize(
    ("address", "encrypted", "user", "database", "method"),
    [
        ("127.0.0.1", False, "ann", "any", "trust"),
        ("::1", False, "ann", "any", "trust"),
        ("::ffff:127.0.0.1", False, "ann", "any", "trust"),
        ("10.1.2.3", True, "ann", "any", "scram-sha-256"),
        ("::ffff:10.1.2.3", True, "ann", "any", "scram-sha-256"),
        ("fd00::1", True, "ann", "any", "scram-sha-256"),
        ("1.2.3.4", True, "ann", "vault", "cert"),
        ("1.2.3.4", False, "old", "any", "md5"),
        ("10.1.2.3", False, "ann", "any", None),
        ("1.2.3.4", True, "old", "any", None),
        ("11.0.0.1", True, "ann", "any", None),
    ],
)
def test_the_first_match_decides(address: str, encrypted: bool, user: str, database: str, method: str | None) -> None:
    peer = Peer(address, encrypted)
    if method is None:
        with pytest.raises(InvalidAuthorization, match=f'no rule of sqlserver.access for host "{address}"'):
            find_rule(RULES, peer, user, database)
    else:
        assert find_rule(RULES, peer, user, database).method == method


def test_a_rule_that_rejects_comes_first() -> None:
    with pytest.raises(InvalidAuthorization, match=r'rejects connection .* user "eve".* no encryption'):
        find_rule(RULES, Peer("127.0.0.1"), "eve", "any")


def test_networks() -> None:
    assert parse_networks(["10.0.0.0/8", "all"], "here") is None
    found = parse_networks(["loopback", "192.168.1.1"], "here")
    assert found is not None
    assert list(map(str, found)) == ["127.0.0.0/8", "::1/128", "192.168.1.1/32"]
    with pytest.raises(InvalidValue, match=r"^here: found '10\.0\.0\.1/8', wanted all, loopback"):
        parse_networks(["10.0.0.1/8"], "here")
