"""What every storage that is reached over HTTP has in common: deadlines, retries, certificates, a proxy."""

from __future__ import annotations

import contextlib
import datetime
import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from fsspeckit_lib.common.secrets import mask_url
from fsspeckit_lib.common.units import parse_duration
from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.base import BaseStorageOptions, Secret, as_bool

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

__all__ = ["ClientStorageOptions", "Seconds", "is_web_url", "refusals"]


def _seconds(value: Any) -> float:
    """Take seconds, a text such as `30s`, or a timedelta."""
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    try:
        seconds = parse_duration(value)
    except InvalidValue:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError("wanted a time such as 30s, 500ms or 2.5")
    return seconds


Seconds = Annotated[float, BeforeValidator(_seconds)]


def _verify(value: Any) -> Mapping[str, Any]:
    """Take `verify` as requests and botocore have it: a bool, or the path of a file of certificates."""
    if isinstance(value, str) and value.strip().lower() not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        return {"ca_certificate": value}
    return {"allow_invalid_certificates": not as_bool(value)}


_PROXY_SCHEMES = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}


class ClientStorageOptions(BaseStorageOptions):
    """Options of one HTTP client. `max_concurrency` bounds the requests in flight of all that share the options."""

    timeout_s: Seconds = Field(default=60.0, gt=0)
    """Deadline of one request, headers and body."""
    connect_timeout_s: Seconds = Field(default=5.0, gt=0)
    max_retries: int = Field(default=4, ge=0)
    """Retries of one request on connection failures, 429 and 5xx, with exponential backoff and jitter."""
    retry_timeout_s: Seconds = Field(default=30.0, gt=0)
    """No retry begins later than this after the first attempt."""
    max_concurrency: int = Field(default=32, ge=1)
    """Requests in flight."""
    allow_http: bool | None = None
    """Plain HTTP; follows from the endpoint's URL unless set."""
    allow_invalid_certificates: bool = False
    ca_certificate: str | None = None
    """A file of PEM certificates, or their text: trusted beside the system's."""
    proxy_url: Secret | None = None
    """An HTTP proxy; HTTPS_PROXY and NO_PROXY of the environment count without it."""

    client_aliases: ClassVar[Mapping[str, str]] = {
        "timeout": "timeout_s",
        "request_timeout": "timeout_s",
        "read_timeout": "timeout_s",
        "connect_timeout": "connect_timeout_s",
        "connection_timeout": "connect_timeout_s",
        "retries": "max_retries",
        "retry_timeout": "retry_timeout_s",
        "concurrency": "max_concurrency",
        "max_pool_connections": "max_concurrency",
        "insecure": "allow_invalid_certificates",
        "ca_bundle": "ca_certificate",
        "ca_cert": "ca_certificate",
        "ca_file": "ca_certificate",
        "cacert": "ca_certificate",
        "root_certificate": "ca_certificate",
        "tls_ca_file_path": "ca_certificate",
        "proxy": "proxy_url",
        "https_proxy": "proxy_url",
    }
    client_rewrites: ClassVar[Mapping[str, Callable[[Any], Mapping[str, Any]]]] = {
        "verify": _verify,
        "verify_ssl": _verify,
        "ssl_verify": _verify,
        "use_ssl": lambda value: {"allow_http": not as_bool(value)},
    }

    @field_validator("endpoint_url", "sts_endpoint_url", check_fields=False)
    @classmethod
    def _without_user(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if "@" in urlsplit(value.replace("[", "").replace("]", "")).netloc:
            raise ValueError("wanted a URL without user information; give credentials as options")
        if not is_web_url(value):
            raise ValueError("wanted the URL of a server, such as https://host or http://host:9000")
        return value

    @field_validator("proxy_url")
    @classmethod
    def _is_proxy(cls, value: Secret | None) -> Secret | None:
        if value is not None:
            scheme, mark, rest = value.get_secret_value().rpartition("://")
            if (mark and scheme not in _PROXY_SCHEMES) or not is_web_url(f"http://{rest}"):
                raise ValueError("wanted the URL of a proxy, such as http://host:3128")
        return value

    def client_config(self, url: str | None) -> ClientConfig:
        """Return obstore's settings of the HTTP client that talks to `url`; None is the provider's own address.

        Raises:
            InvalidValue: the file of certificates cannot be read; the URL, which may be the environment's, is none
                (obstore's Rust would panic over it).
        """
        if url is not None and not is_web_url(url):
            raise InvalidValue(
                f"{self.protocol}: found endpoint_url {mask_url(url)!r}, wanted one such as https://host or http://host:9000"
            )
        plain_http = url is not None and url.startswith("http://")
        config: ClientConfig = {
            "allow_http": plain_http if self.allow_http is None else self.allow_http,
            "allow_invalid_certificates": self.allow_invalid_certificates,
            "timeout": datetime.timedelta(seconds=self.timeout_s),
            "connect_timeout": datetime.timedelta(seconds=self.connect_timeout_s),
        }
        certificates = self._certificates()
        if certificates and not plain_http:
            config["root_certificate"] = _pem(certificates, type(self).__name__)
        if self.proxy_url is not None:
            config["proxy_url"] = self.proxy_url.get_secret_value()
        return config

    def _certificates(self) -> str | None:
        """Return `ca_certificate`, or what the provider's tools take instead."""
        return self.ca_certificate or self._from_environment("ca_certificate")

    def retry_config(self) -> RetryConfig:
        """Return obstore's settings of the retries of one request."""
        return {
            "max_retries": self.max_retries,
            "retry_timeout": datetime.timedelta(seconds=self.retry_timeout_s),
            "backoff": {
                "init_backoff": datetime.timedelta(seconds=0.1),
                "max_backoff": datetime.timedelta(seconds=5),
                "base": 2,
            },
        }


def is_web_url(text: str) -> bool:
    """Tell whether a text is the URL of an HTTP server: http or https, a host, and no port but one from 1 to 65535."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    is_host = bool(host) and not any(letter.isspace() or letter in '<>\\^`{|}"' for letter in parts.netloc)
    return parts.scheme in {"http", "https"} and is_host and port != 0


@contextlib.contextmanager
def refusals(who: str) -> Iterator[None]:
    """Turn what obstore refuses while a store is made into InvalidValue, in its first line's words."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, ValueError) as error:
        raise InvalidValue(f"{who}: {str(error).splitlines()[0]}") from error


def _pem(certificates: str, who: str) -> bytes:
    if certificates.lstrip().startswith("-----BEGIN"):
        return certificates.encode()
    try:
        with open(os.path.expanduser(certificates), "rb") as file:
            return file.read()
    except OSError as error:
        raise InvalidValue(
            f"{who}: option 'ca_certificate': {certificates!r} cannot be read ({error.strerror}); name a PEM file"
        ) from None
