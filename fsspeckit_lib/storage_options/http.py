"""Options of a web server: who asks, with which headers, and which certificates are trusted."""

from __future__ import annotations

import base64
import os
import re
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.base import Secret
from fsspeckit_lib.storage_options.client import ClientStorageOptions, refusals

if TYPE_CHECKING:
    from obstore.store import HTTPStore

__all__ = ["HttpStorageOptions"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _auth(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str) and ":" in value:
        value = value.split(":", 1)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise InvalidValue("http: wanted a pair of user and password")
    return {"username": value[0], "password": value[1]}


def _client_kwargs(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidValue("http: wanted a mapping such as {headers: …}")
    return value


class HttpStorageOptions(ClientStorageOptions):
    """How to ask a web server. The server itself is in the URL."""

    protocol: str = "https"
    protocols: ClassVar[tuple[str, ...]] = ("http", "https")
    headers: Mapping[str, Secret] = Field(default_factory=dict)
    """Sent with every request; their values count as secrets."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer`."""
    username: str | None = None
    password: Secret | None = None

    aliases: ClassVar[Mapping[str, str]] = {
        **ClientStorageOptions.client_aliases,
        "default_headers": "headers",
        "bearer_token": "token",
        "access_token": "token",
        "user": "username",
        "login": "username",
        "passwd": "password",
    }
    rewrites: ClassVar[Mapping[str, Callable[[Any], Mapping[str, Any]]]] = {
        **ClientStorageOptions.client_rewrites,
        "auth": _auth,
        "client_kwargs": _client_kwargs,
    }

    @field_validator("headers")
    @classmethod
    def _one_line(cls, value: Mapping[str, Secret]) -> Mapping[str, Secret]:
        for name, secret in value.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError("wanted names of headers such as X-Token")  # RFC 9110, 5.1
            if any(letter in secret.get_secret_value() for letter in "\r\n\0"):
                raise ValueError(f"wanted a value of {name} without line ends")  # RFC 9110, 5.5
        return value

    def request_headers(self) -> dict[str, str]:
        """Return the headers of every request, secrets in clear.

        Raises:
            InvalidValue: two of a token, a user and an Authorization header, or a password without a user.
        """
        found = {name: value.get_secret_value() for name, value in self.headers.items()}
        given = any(name.lower() == "authorization" for name in found)
        if (given + (self.token is not None) + (self.username is not None)) > 1:
            raise InvalidValue("http: found more than one of token, username and an Authorization header; give one")
        if self.password is not None and self.username is None:
            raise InvalidValue("http: found a password without username; give both")
        if self.token is not None:
            found["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        if self.username is not None:
            password = self.password.get_secret_value() if self.password else ""
            pair = base64.b64encode(f"{self.username}:{password}".encode()).decode()
            found["Authorization"] = f"Basic {pair}"
        return found

    def ssl_context(self) -> ssl.SSLContext:
        """Return which servers are trusted: the system's certificates and `ca_certificate`, or all."""
        context = ssl.create_default_context()
        if self.allow_invalid_certificates:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca_certificate is not None:
            if self.ca_certificate.lstrip().startswith("-----BEGIN"):
                context.load_verify_locations(cadata=self.ca_certificate)
            else:
                context.load_verify_locations(cafile=os.path.expanduser(self.ca_certificate))
        return context

    @shielded
    def to_obstore(self, url: str) -> HTTPStore:
        """Return obstore's store rooted at `url`. No request is made.

        A password in the URL is not sent by obstore and shown by its repr: `parse_location` moves it into options.

        Raises:
            InvalidValue: it is not an http or https URL, or an option that obstore refuses.
        """
        from obstore.store import HTTPStore

        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise InvalidValue("http: wanted http://HOST/PATH or https://HOST/PATH without user information")
        config = self.client_config(url)
        headers = self.request_headers()
        if headers:
            config["default_headers"] = headers
        with refusals(f"http: {parts.hostname}"):
            return HTTPStore(url, client_options=config, retry_config=self.retry_config())

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that fsspec's HTTPFileSystem takes for the same server."""
        found: dict[str, Any] = {}
        headers = self.request_headers()
        if headers:
            found["headers"] = headers
        if self.proxy_url is not None:
            found["proxy"] = self.proxy_url.get_secret_value()
        if self.allow_invalid_certificates:
            found["ssl"] = False
        elif self.ca_certificate is not None:
            found["ssl"] = self.ssl_context()
        return found
