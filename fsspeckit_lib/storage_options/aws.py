"""Options of S3 and what speaks its protocol (SeaweedFS, MinIO, Ceph, R2, …)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.base import BaseStorageOptions, Secret

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

__all__ = ["AwsStorageOptions"]


class AwsStorageOptions(BaseStorageOptions):
    """How to reach a bucket. What is not set here comes from the AWS_* environment, as the AWS tools read it."""

    protocol: str = "s3"
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    region: str | None = None
    endpoint_url: str | None = None
    anon: bool = False
    allow_http: bool | None = None
    """Plain HTTP; follows from `endpoint_url` unless set."""
    allow_invalid_certificates: bool = False
    virtual_hosted_style: bool = False
    timeout_s: float = Field(default=60.0, gt=0)
    """Deadline of one request, headers and body."""
    connect_timeout_s: float = Field(default=5.0, gt=0)
    max_retries: int = Field(default=4, ge=0)
    """Retries of one request on connection failures, 429 and 5xx, with exponential backoff and jitter."""
    retry_timeout_s: float = Field(default=30.0, gt=0)

    aliases: ClassVar[Mapping[str, str]] = {
        "access_key": "access_key_id",
        "aws_access_key_id": "access_key_id",
        "key": "access_key_id",
        "secret_key": "secret_access_key",
        "secret": "secret_access_key",
        "aws_secret_access_key": "secret_access_key",
        "token": "session_token",
        "aws_session_token": "session_token",
        "region_name": "region",
        "aws_region": "region",
        "endpoint": "endpoint_url",
        "aws_endpoint_url": "endpoint_url",
        "anonymous": "anon",
        "skip_signature": "anon",
    }

    @property
    def effective_endpoint_url(self) -> str | None:
        """The endpoint set here, else of `AWS_ENDPOINT_URL_S3`, else of `AWS_ENDPOINT_URL`; None is AWS itself."""
        found = self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        return found.rstrip("/") if found else None

    def namespace(self) -> str:
        """Return the first component of a store's namespace: `s3`, or `s3-HOST-PORT` for an endpoint of its own."""
        endpoint = self.effective_endpoint_url
        if endpoint is None:
            return "s3"
        return "s3-" + urlsplit(endpoint).netloc.rpartition("@")[2].replace(":", "-")

    def to_obstore(self, bucket: str, prefix: str = "") -> S3Store:
        """Return obstore's store of `bucket`, rooted at `prefix`. No request is made.

        Raises:
            InvalidValue: an option that obstore refuses, e.g. an endpoint that is not a URL.
        """
        from datetime import timedelta

        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        endpoint = self.effective_endpoint_url
        if endpoint is not None and urlsplit(endpoint).scheme not in {"http", "https"}:
            raise InvalidValue(f"s3: found endpoint_url {endpoint!r}, wanted one that starts with http:// or https://")
        config: S3Config = {
            "region": self.region
            or os.environ.get("AWS_REGION")
            or os.environ.get("AWS_DEFAULT_REGION")
            or "us-east-1",
            "virtual_hosted_style_request": self.virtual_hosted_style,
            "skip_signature": self.anon,
        }
        if endpoint is not None:
            config["endpoint"] = endpoint
        if self.access_key_id is not None:
            config["access_key_id"] = self.access_key_id
        if self.secret_access_key is not None:
            config["secret_access_key"] = self.secret_access_key.get_secret_value()
        if self.session_token is not None:
            config["session_token"] = self.session_token.get_secret_value()
        plain_http = endpoint is not None and endpoint.startswith("http://")
        client: ClientConfig = {
            "allow_http": plain_http if self.allow_http is None else self.allow_http,
            "allow_invalid_certificates": self.allow_invalid_certificates,
            "timeout": timedelta(seconds=self.timeout_s),
            "connect_timeout": timedelta(seconds=self.connect_timeout_s),
        }
        retry: RetryConfig = {
            "max_retries": self.max_retries,
            "retry_timeout": timedelta(seconds=self.retry_timeout_s),
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
        }
        try:
            return S3Store(bucket, prefix=prefix or None, config=config, client_options=client, retry_config=retry)
        except (BaseError, ValueError) as error:
            raise InvalidValue(f"s3: bucket {bucket!r}: {str(error).splitlines()[0]}") from error

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that s3fs takes for the same storage."""
        client: dict[str, Any] = {}
        if self.region is not None:
            client["region_name"] = self.region
        return {
            "key": self.access_key_id,
            "secret": self.secret_access_key.get_secret_value() if self.secret_access_key else None,
            "token": self.session_token.get_secret_value() if self.session_token else None,
            "anon": self.anon,
            "endpoint_url": self.effective_endpoint_url,
            "client_kwargs": client,
        }
