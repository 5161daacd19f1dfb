"""Options of servers that a URL names by host: SFTP and FTP."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from fsspeckit_lib.errors import AccessDenied, InvalidValue, Unsupported
from fsspeckit_lib.storage_options.base import BaseStorageOptions, Secret
from fsspeckit_lib.storage_options.client import Seconds

__all__ = ["FtpStorageOptions", "HostStorageOptions", "SftpStorageOptions"]


class HostStorageOptions(BaseStorageOptions):
    """A host, a port, and who logs in. `sftp://me@host:22/path` gives all but the password."""

    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    username: str | None = None
    password: Secret | None = None
    timeout_s: Seconds = Field(default=30.0, gt=0)
    """Deadline of connecting and of one answer."""

    host_aliases: ClassVar[Mapping[str, str]] = {
        "hostname": "host",
        "server": "host",
        "user": "username",
        "login": "username",
        "passwd": "password",
        "pass": "password",
        "timeout": "timeout_s",
        "connect_timeout": "timeout_s",
    }

    def namespace(self) -> str:
        """Return the first component of a store's namespace: protocol, user and host.

        The user is part of it because servers show each user a tree of its own.
        """
        user = f"{self.username}@" if self.username else ""
        port = f"-{self.port}" if self.port is not None else ""
        return f"{self.protocol}-{user}{self._host()}{port}"

    def _host(self) -> str:
        if not self.host:
            raise InvalidValue(
                f"{self.protocol}: found no host; write {self.protocol}://HOST/PATH or give the option host"
            )
        return self.host


class SftpStorageOptions(HostStorageOptions):
    """How to log in over SSH. Keys of ~/.ssh and the agent are tried where no key and no password is set."""

    protocol: str = "sftp"
    protocols: ClassVar[tuple[str, ...]] = ("sftp",)
    private_key: str | None = None
    """A file with a private key."""
    passphrase: Secret | None = None
    """Of the private key."""
    host_key_policy: Literal["known_hosts", "auto_add"] = "known_hosts"
    """`known_hosts` connects only to servers whose key is in `known_hosts`; `auto_add` trusts whoever answers."""
    known_hosts: str | None = None
    """Unset is ~/.ssh/known_hosts."""
    allow_agent: bool = True
    look_for_keys: bool = True

    aliases: ClassVar[Mapping[str, str]] = {
        **HostStorageOptions.host_aliases,
        "key_filename": "private_key",
        "key_file": "private_key",
        "private_key_file": "private_key",
        "identity_file": "private_key",
        "ssh_key": "private_key",
        "key_passphrase": "passphrase",
        "known_hosts_file": "known_hosts",
    }

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that fsspec's SFTPFileSystem takes.

        Raises:
            InvalidValue: no host.
            Unsupported: paramiko is not installed.
        """
        optional: dict[str, Any] = {
            "port": self.port,
            "username": self.username,
            "password": self.password.get_secret_value() if self.password else None,
            "key_filename": os.path.expanduser(self.private_key) if self.private_key else None,
            "passphrase": self.passphrase.get_secret_value() if self.passphrase else None,
        }
        return {
            "host": self._host(),
            **{name: value for name, value in optional.items() if value is not None},
            "timeout": self.timeout_s,
            "banner_timeout": self.timeout_s,
            "auth_timeout": self.timeout_s,
            "allow_agent": self.allow_agent,
            "look_for_keys": self.look_for_keys,
            "host_key_policy": self._policy(),
        }

    def _policy(self) -> Any:
        """Return what paramiko is to do about the server's key: by itself it looks into no file at all."""
        if self.host_key_policy == "auto_add":
            return "auto_add"
        try:
            paramiko = importlib.import_module("paramiko")
        except ImportError as error:
            raise Unsupported(
                "sftp: needs the package paramiko; install the extra: pip install 'fsspeckit-gateway[sftp]'"
            ) from error
        file = os.path.expanduser(self.known_hosts or os.path.join("~", ".ssh", "known_hosts"))

        class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[name-defined,misc]
            def missing_host_key(self, _client: Any, hostname: str, key: Any) -> None:
                known = paramiko.HostKeys(file) if os.path.exists(file) else paramiko.HostKeys()
                if known.check(hostname, key):
                    return
                found = "another key" if known.lookup(hostname) is not None else "no key"
                raise AccessDenied(
                    f"sftp: {hostname}: {file} has {found} for it; check that {key.get_name()} {key.fingerprint} is "
                    "the server's and add it with ssh-keyscan, or give host_key_policy=auto_add"
                )

        return KnownHosts()


class FtpStorageOptions(HostStorageOptions):
    """How to log in over FTP. Without a user it is anonymous."""

    protocol: str = "ftp"
    protocols: ClassVar[tuple[str, ...]] = ("ftp",)
    tls: bool = False
    """Encrypt the control and data connections (explicit FTPS)."""
    encoding: str = "utf-8"

    aliases: ClassVar[Mapping[str, str]] = {**HostStorageOptions.host_aliases, "use_tls": "tls", "ssl": "tls"}

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that fsspec's FTPFileSystem takes.

        Raises:
            InvalidValue: no host.
        """
        return {
            "host": self._host(),
            "port": self.port or 21,
            "username": self.username or "",
            "password": self.password.get_secret_value() if self.password else "",
            "timeout": self.timeout_s,
            "tls": self.tls,
            "encoding": self.encoding,
        }
