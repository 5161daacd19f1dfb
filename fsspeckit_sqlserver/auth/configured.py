"""Who may enter, from the configuration: checked here as a whole, before the server listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fsspeckit_lib.common.names import unknown_name
from fsspeckit_lib.errors import BadInput
from fsspeckit_lib.service.sqlserver_settings import AccessSettings, SqlServerSettings
from fsspeckit_sqlserver.auth.access import AccessRule, parse_networks
from fsspeckit_sqlserver.auth.loopback import require_loopback
from fsspeckit_sqlserver.auth.passwords import (
    ITERATIONS,
    Md5Hash,
    Verifier,
    mock_verifier,
    read_credential,
    shared_secret,
)
from fsspeckit_sqlserver.auth.rights import ReadRights, parse_patterns
from fsspeckit_sqlserver.auth.tls import TlsConfig

__all__ = ["AuthConfig", "auth_config"]


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """What `Gate`, `TlsListener` and the engine's check of tables are made from."""

    rules: tuple[AccessRule, ...]
    users: Mapping[str, Verifier | Md5Hash] = field(repr=False)
    tls: TlsConfig | None
    rights: ReadRights
    secret: bytes = field(repr=False)


def auth_config(settings: SqlServerSettings, host: str) -> AuthConfig:
    """Return who may enter a server that listens on `host`.

    Without users and rules everybody on this machine may, and nobody else can reach it. With users and no rules each of
    them may from anywhere, by password.

    Raises:
        BadInput and its kinds: names the key, what was found and what is wanted.
    """
    passwords = {name: user.password for name, user in settings.users.items() if user.password is not None}
    secret = shared_secret(passwords.items())
    users = {
        name: read_credential(
            password, f"sqlserver.users.{name}.password", mock_verifier(name, secret, ITERATIONS).salt
        )
        for name, password in passwords.items()
    }
    tls = _tls(settings)
    if settings.access is not None:
        rules = tuple(
            _rule(rule, f"sqlserver.access[{number}]", settings, tls) for number, rule in enumerate(settings.access)
        )
    elif settings.users:
        rules = (AccessRule("scram-sha-256"),)
    else:
        require_loopback(host)
        rules = (AccessRule("trust", networks=parse_networks(["loopback"], "sqlserver.access")),)
    if any(isinstance(user, Md5Hash) for user in users.values()) and all(rule.method != "md5" for rule in rules):
        names = ", ".join(name for name, user in users.items() if isinstance(user, Md5Hash))
        raise BadInput(
            f"sqlserver.users: found an md5 hash for {names}, which no rule of sqlserver.access accepts; make a "
            "verifier with `fsspeckit server passwd`, or add a rule with method: md5"
        )
    return AuthConfig(rules, users, tls, _rights(settings), secret)


def _rights(settings: SqlServerSettings) -> ReadRights:
    return ReadRights(
        {
            name: parse_patterns(user.read, f"sqlserver.users.{name}.read")
            for name, user in settings.users.items()
            if user.read is not None
        }
    )


def _rule(rule: AccessSettings, who: str, settings: SqlServerSettings, tls: TlsConfig | None) -> AccessRule:
    networks = parse_networks(rule.addresses, f"{who}.addresses")
    if rule.method == "trust" and networks is None:
        raise BadInput(
            f"{who}: found method trust for all addresses: nobody would be asked for a password; name the addresses "
            "that may (loopback, 10.0.0.0/8), or take scram-sha-256"
        )
    if rule.tls == "required" and tls is None:
        raise BadInput(f"{who}: wants TLS, but sqlserver.ssl_cert is not set")
    if rule.method == "cert" and (tls is None or tls.client_authority is None):
        raise BadInput(f"{who}: method cert wants sqlserver.ssl_cert and sqlserver.ssl_ca, which signs the clients'")
    if rule.method in {"scram-sha-256", "md5"}:
        for name in rule.users:
            if name != "all" and name not in settings.users:
                raise unknown_name(f"{who}.users", "user", name, settings.users)
    return AccessRule(rule.method, _named(rule.users), _named(rule.databases), networks, rule.tls)


def _named(names: Sequence[str]) -> frozenset[str] | None:
    return None if "all" in names else frozenset(names)


def _tls(settings: SqlServerSettings) -> TlsConfig | None:
    if settings.ssl_cert is None:
        for key in ("ssl_key", "ssl_ca"):
            if getattr(settings, key) is not None:
                raise BadInput(f"sqlserver.{key}: is set, but sqlserver.ssl_cert is not; set both, or neither")
        return None
    return TlsConfig(
        settings.ssl_cert, settings.ssl_key or settings.ssl_cert, settings.ssl_ca, settings.ssl_min_version
    )
