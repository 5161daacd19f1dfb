"""Who may enter from where, and how he must prove it: rules as those of pg_hba.conf. Pure; the first match decides."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_sqlserver.auth.errors import InvalidAuthorization

__all__ = ["METHODS", "AccessRule", "Method", "Network", "Peer", "find_rule", "parse_networks"]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Method: TypeAlias = Literal["trust", "reject", "scram-sha-256", "md5", "cert"]
Encryption: TypeAlias = Literal["any", "required", "none"]

METHODS: Final[tuple[Method, ...]] = get_args(Method)


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection.

    Attributes:
        address: its IP address.
        is_encrypted: the connection is under TLS.
        certificate_name: the common name of its certificate, which a configured authority has signed; None without one.
        server_certificate_pem: ours, as the client saw it; None without TLS.
    """

    address: str
    is_encrypted: bool = False
    certificate_name: str | None = None
    server_certificate_pem: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return ipaddress.ip_address(self.address).is_loopback


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One rule; None means all."""

    method: Method
    users: frozenset[str] | None = None
    databases: frozenset[str] | None = None
    networks: tuple[Network, ...] | None = None
    tls: Encryption = "any"

    def matches(self, peer: Peer, user: str, database: str) -> bool:
        """Tell whether it speaks of this connection."""
        if self.users is not None and user not in self.users:
            return False
        if self.databases is not None and database not in self.databases:
            return False
        if self.tls != "any" and peer.is_encrypted != (self.tls == "required"):
            return False
        if self.networks is None:
            return True
        address = _plain(ipaddress.ip_address(peer.address))
        return any(address in network for network in self.networks if network.version == address.version)


def find_rule(rules: Sequence[AccessRule], peer: Peer, user: str, database: str) -> AccessRule:
    """Return the first rule that matches.

    Raises:
        InvalidAuthorization: none does, or it rejects.
    """
    rule = next((rule for rule in rules if rule.matches(peer, user, database)), None)
    if rule is not None and rule.method != "reject":
        return rule
    found = f'host "{peer.address}", user "{user}", database "{database}"'
    encryption = "SSL encryption" if peer.is_encrypted else "no encryption"
    if rule is None:
        raise InvalidAuthorization(f"no rule of sqlserver.access for {found}, {encryption}")
    raise InvalidAuthorization(f"a rule of sqlserver.access rejects connection for {found}, {encryption}")


def parse_networks(texts: Iterable[str], who: str) -> tuple[Network, ...] | None:
    """Return the networks of `10.0.0.0/8`, `::1`, `loopback`; None where `all` is among them.

    Raises:
        InvalidValue: one of them is none.
    """
    found: list[Network] = []
    for text in texts:
        if text == "all":
            return None
        if text == "loopback":
            found += [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
            continue
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise InvalidValue(
                f"{who}: found {text!r}, wanted all, loopback, an address or a network such as 10.0.0.0/8 ({error})"
            ) from None
    return tuple(found)


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address that a socket of both families shows as ::ffff:1.2.3.4."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address
