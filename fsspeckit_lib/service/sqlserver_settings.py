"""`sqlserver:` of fsspeckit.yaml: where it listens, who may enter, what it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from fsspeckit_lib.service.sections import Duration, Names, Section, Size

__all__ = ["AccessSettings", "LimitSettings", "SqlServerSettings", "TableSettings", "UserSettings"]


class TableSettings(Section):
    """One of `sqlserver.tables:` or `sqlserver.schemas:`: a storage's name or a URL, and a path below it."""

    storage: str | None = None
    url: str | None = None
    path: str = ""
    partitioning: str = "auto"


class UserSettings(Section):
    """One of `sqlserver.users:`."""

    password: str | None = Field(default=None, repr=False)
    """A verifier as `fsspeckit server passwd` prints it, or the password itself; None: enters by a certificate only."""
    read: Names | None = None
    """Tables: `sales.trips`, `sales.*`, `trips` (of schema public), `*`. None: all of them."""


class AccessSettings(Section):
    """One of `sqlserver.access:`, the list whose first match decides, as a line of pg_hba.conf."""

    method: Literal["trust", "reject", "scram-sha-256", "md5", "cert"]
    users: Names = ("all",)
    databases: Names = ("all",)
    addresses: Names = ("all",)
    """`all`, `loopback`, addresses, networks such as `10.0.0.0/8`."""
    tls: Literal["any", "required", "none"] = "any"


class LimitSettings(Section):
    """`sqlserver.limits:`. A time of 0 is none; so are 0 connections per user or address."""

    connections: int = Field(default=100, ge=1, le=10_000)
    connections_per_user: int = Field(default=0, ge=0)
    connections_per_address: int = Field(default=0, ge=0)
    login_timeout_s: Duration = Field(default=60.0, alias="login_timeout")
    statement_timeout_s: Duration = Field(default=0.0, alias="statement_timeout")
    idle_timeout_s: Duration = Field(default=0.0, alias="idle_timeout")
    idle_in_transaction_timeout_s: Duration = Field(default=0.0, alias="idle_in_transaction_timeout")
    """The last three are what sessions begin with; SET changes them."""
    max_message_size: Size = 64 << 20
    """Of one message of a client; PostgreSQL's own is 1 GiB."""
    memory: Size | None = None
    """Of DuckDB, all sessions together; it spills above. None: 80 % of the machine's."""
    threads: int | None = Field(default=None, ge=1)
    """Of DuckDB, all sessions together. None: one for each core."""
    running: int | None = Field(default=None, ge=1)
    """How many queries of tables work at the same time; the others take turns. None: twice the number of cores."""


class SqlServerSettings(Section):
    """`sqlserver:`. `ssl_cert`, `ssl_key` and `ssl_ca` are paths of PEM files."""

    listen: str = "127.0.0.1:5433"
    users: Mapping[str, UserSettings] = Field(default_factory=dict)
    access: tuple[AccessSettings, ...] | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    ssl_ca: str | None = None
    ssl_min_version: Literal["1.2", "1.3"] = "1.2"
    limits: LimitSettings = LimitSettings()
    manifest_ttl_s: Duration = Field(default=30.0, alias="manifest_ttl")
    """How long a table's list of files is believed."""
    struct_format: Literal["json", "composite"] = "json"
    """What a struct is to clients; a session may SET fsspeckit.struct_format."""
    tables: Mapping[str, TableSettings] = Field(default_factory=dict)
    schemas: Mapping[str, TableSettings] = Field(default_factory=dict)
