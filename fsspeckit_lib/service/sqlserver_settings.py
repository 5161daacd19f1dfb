"""`sqlserver:` of fsspeckit.yaml: where it listens, who may enter, what it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from fsspeckit_lib.service.sections import Names, Section

__all__ = ["AccessSettings", "SqlServerSettings", "TableSettings", "UserSettings"]


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


class AccessSettings(Section):
    """One of `sqlserver.access:`, the list whose first match decides, as a line of pg_hba.conf."""

    method: Literal["trust", "reject", "scram-sha-256", "md5", "cert"]
    users: Names = ("all",)
    databases: Names = ("all",)
    addresses: Names = ("all",)
    """`all`, `loopback`, addresses, networks such as `10.0.0.0/8`."""
    tls: Literal["any", "required", "none"] = "any"


class SqlServerSettings(Section):
    """`sqlserver:`. `ssl_cert`, `ssl_key` and `ssl_ca` are paths of PEM files."""

    listen: str = "127.0.0.1:5433"
    users: Mapping[str, UserSettings] = Field(default_factory=dict)
    access: tuple[AccessSettings, ...] | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    ssl_ca: str | None = None
    ssl_min_version: Literal["1.2", "1.3"] = "1.2"
    tables: Mapping[str, TableSettings] = Field(default_factory=dict)
    schemas: Mapping[str, TableSettings] = Field(default_factory=dict)
