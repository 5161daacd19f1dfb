"""What the daemon serves and where: flags and file become one frozen value here.

Flags add to the file's tables; the same name in both, or twice, is refused rather than guessed at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.errors import BadInput, InvalidValue
from fsspeckit_lib.service.settings import Settings, TableSettings
from fsspeckit_lib.service.sqlserver_settings import SqlServerSettings
from fsspeckit_sqlserver.auth.configured import AuthConfig, auth_config
from fsspeckit_sqlserver.wire.framing import DEFAULT_MAX_MESSAGE_BYTES

__all__ = ["EngineLimits", "Limits", "ServerConfig", "Source", "parse_listen", "server_config"]

Partitioning = Literal["auto", "hive", "none"]
_PARTITIONINGS: Final[Mapping[str, Partitioning]] = {"auto": "auto", "hive": "hive", "none": "none"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where one table, or one schema of tables, lies."""

    store: ObjectStore
    partitioning: Partitioning


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server lends to its clients.

    Attributes:
        max_connections: that have logged in, of all users together.
        max_connections_per_user, max_connections_per_address: 0 is none but the one above.
        max_message_bytes: of one message, and of what waits for a busy session.
        login_timeout_s: from the first byte to the end of the login.
        settings: defaults of run-time parameters that differ from PostgreSQL's: the timeouts.
    """

    max_connections: int = 100
    max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES
    login_timeout_s: float = 60.0
    max_connections_per_user: int = 0
    max_connections_per_address: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What the engine may use; see `open_engine`."""

    memory_limit: str | None = None
    threads: int | None = None
    max_running: int | None = None
    manifest_ttl_s: float = 30.0


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What to serve and where."""

    host: str
    port: int
    auth: AuthConfig
    tables: Mapping[str, Source]
    schemas: Mapping[str, Source]
    limits: Limits = Limits()
    engine: EngineLimits = EngineLimits()


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:5433`, `[::1]:5433`, `localhost:0`.

    Raises:
        InvalidValue: not an address.
    """
    host, colon, port_text = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port_text.isascii() or not port_text.isdigit() or int(port_text) > 65_535:
        raise InvalidValue(f"listen address: found {text!r}, wanted host:port such as 127.0.0.1:5433 or [::1]:5433")
    host = "127.0.0.1" if host == "localhost" else host
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise InvalidValue(
            f"listen address: found {text!r}, wanted an IP address of this machine, or localhost, before the port"
        ) from None
    return host, int(port_text)


def server_config(
    settings: Settings,
    listen: str | None,
    tables: Iterable[str],
    schemas: Iterable[str],
    options: Mapping[str, str],
) -> ServerConfig:
    """Return the configuration of file and flags. Makes no request.

    Args:
        settings: the file, or the defaults.
        listen: `host:port`; None is the file's.
        tables: `name=URL` texts of --table.
        schemas: `name=URL` texts of --schema.
        options: storage options for the URLs of flags.

    Raises:
        BadInput and its kinds: a name or URL that cannot be used, or nothing to serve.
    """
    host, port = parse_listen(listen if listen is not None else settings.sqlserver.listen)
    config = ServerConfig(
        host,
        port,
        auth_config(settings.sqlserver, host),
        _sources(settings, "table", settings.sqlserver.tables, tables, options),
        _sources(settings, "schema", settings.sqlserver.schemas, schemas, options),
        _limits(settings.sqlserver),
        _engine_limits(settings.sqlserver),
    )
    if not config.tables and not config.schemas:
        raise BadInput(
            "nothing to serve: found no table, wanted --table name=URL, --schema name=URL, or tables in --config"
        )
    return config


def _limits(settings: SqlServerSettings) -> Limits:
    limits = settings.limits
    timeouts = {
        "statement_timeout": limits.statement_timeout_s,
        "idle_session_timeout": limits.idle_timeout_s,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction_timeout_s,
    }
    return Limits(
        limits.connections,
        limits.max_message_size,
        limits.login_timeout_s,
        limits.connections_per_user,
        limits.connections_per_address,
        {
            **{name: f"{round(seconds * 1000)}ms" for name, seconds in timeouts.items() if seconds},
            "fsspeckit.struct_format": settings.struct_format,
        },
    )


def _engine_limits(settings: SqlServerSettings) -> EngineLimits:
    limits = settings.limits
    memory = None if limits.memory is None else f"{limits.memory} bytes"
    return EngineLimits(memory, limits.threads, limits.running, settings.manifest_ttl_s)


def _sources(
    settings: Settings,
    what: str,
    configured: Mapping[str, TableSettings],
    flags: Iterable[str],
    options: Mapping[str, str],
) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for name, table in configured.items():
        place = f"configuration: sqlserver.{what}s.{name}"
        _check_name(what, name)
        root = table.storage or table.url
        if root is None or (table.storage and table.url):
            raise BadInput(f"{place}: wanted either storage or url")
        if table.partitioning not in _PARTITIONINGS:
            raise InvalidValue(
                f"{place}.partitioning: found {table.partitioning!r}, wanted one of {', '.join(_PARTITIONINGS)}"
            )
        sources[name] = Source(settings.open_path(root, table.path, {}), _PARTITIONINGS[table.partitioning])
    for text in flags:
        name, equals, url = text.partition("=")
        if not equals or not name.strip() or not url.strip():
            raise InvalidValue(f"--{what}: found {text!r}, wanted name=URL such as trips=s3://bucket/trips")
        name = name.strip()
        _check_name(what, name)
        if name in sources:
            raise BadInput(f"--{what} {name}: the name is given twice; choose another name for one of them")
        sources[name] = Source(settings.open_source(url.strip(), options), "auto")
    return sources


def _check_name(what: str, name: str) -> None:
    parts = name.split(".")
    if not all(parts) or len(parts) > (2 if what == "table" else 1):
        wanted = "name or schema.name" if what == "table" else "one name without a dot"
        raise InvalidValue(f"{what} name: found {name!r}, wanted {wanted}")
    if parts[0].lower() in {"pg_catalog", "information_schema", "pg_toast"} and (len(parts) == 2 or what == "schema"):
        raise InvalidValue(f"{what} name: found {name!r}; schema {parts[0]} is the server's own, choose another")
