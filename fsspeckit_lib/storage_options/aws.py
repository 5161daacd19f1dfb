"""Options of S3 and what speaks its protocol (SeaweedFS, MinIO, Ceph, R2, …)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.errors import InvalidValue, Unsupported
from fsspeckit_lib.storage_options.aws_credentials import StaticKeys, find_credentials
from fsspeckit_lib.storage_options.aws_profile import load_profile, profile_name
from fsspeckit_lib.storage_options.base import Secret, as_bool
from fsspeckit_lib.storage_options.client import ClientStorageOptions, Seconds, refusals

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

__all__ = ["AwsStorageOptions"]


def _addressing(value: Any) -> Mapping[str, Any]:
    styles = {"virtual": True, "vhost": True, "virtual_hosted": True, "path": False, "auto": False}
    if str(value).lower() not in styles:
        raise InvalidValue("s3: wanted virtual or path")
    return {"virtual_hosted_style": styles[str(value).lower()]}


def _client_kwargs(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidValue("s3: wanted a mapping such as {region_name: eu-west-1}")
    return value


class AwsStorageOptions(ClientStorageOptions):
    """How to reach a bucket. What is not set comes from the environment and profiles, as the AWS tools read them."""

    protocol: str = "s3"
    protocols: ClassVar[tuple[str, ...]] = ("s3",)
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    profile: str | None = None
    """A profile of ~/.aws/config or ~/.aws/credentials; it wins over keys of the environment."""
    region: str | None = None
    endpoint_url: str | None = None
    anon: bool = False
    """Send unsigned requests: public buckets."""
    assume_role_arn: str | None = None
    """A role to assume with the other credentials, or the role of `web_identity_token_file`."""
    role_session_name: str | None = None
    external_id: str | None = None
    role_duration_s: Seconds | None = None
    web_identity_token_file: str | None = None
    sts_endpoint_url: str | None = None
    """Where roles are assumed; AWS_ENDPOINT_URL_STS counts without it."""
    virtual_hosted_style: bool = False
    requester_pays: bool = False
    server_side_encryption: str | None = None
    """`AES256`, `aws:kms` or `aws:kms:dsse`."""
    sse_kms_key_id: str | None = None

    aliases: ClassVar[Mapping[str, str]] = {
        **ClientStorageOptions.client_aliases,
        "access_key": "access_key_id",
        "aws_access_key_id": "access_key_id",
        "aws_access_key": "access_key_id",
        "key": "access_key_id",
        "key_id": "access_key_id",
        "username": "access_key_id",
        "s3.access-key-id": "access_key_id",
        "secret_key": "secret_access_key",
        "secret": "secret_access_key",
        "aws_secret_access_key": "secret_access_key",
        "aws_secret_key": "secret_access_key",
        "password": "secret_access_key",
        "s3.secret-access-key": "secret_access_key",
        "token": "session_token",
        "aws_session_token": "session_token",
        "aws_token": "session_token",
        "s3.session-token": "session_token",
        "aws_profile": "profile",
        "profile_name": "profile",
        "region_name": "region",
        "aws_region": "region",
        "default_region": "region",
        "aws_default_region": "region",
        "s3.region": "region",
        "endpoint": "endpoint_url",
        "endpoint_override": "endpoint_url",
        "aws_endpoint": "endpoint_url",
        "aws_endpoint_url": "endpoint_url",
        "aws_endpoint_url_s3": "endpoint_url",
        "s3.endpoint": "endpoint_url",
        "anonymous": "anon",
        "skip_signature": "anon",
        "aws_skip_signature": "anon",
        "no_sign_request": "anon",
        "role_arn": "assume_role_arn",
        "aws_role_arn": "assume_role_arn",
        "session_name": "role_session_name",
        "aws_role_session_name": "role_session_name",
        "assume_role_session_name": "role_session_name",
        "assume_role_external_id": "external_id",
        "aws_web_identity_token_file": "web_identity_token_file",
        "sts_endpoint": "sts_endpoint_url",
        "aws_endpoint_url_sts": "sts_endpoint_url",
        "virtual_hosted_style_request": "virtual_hosted_style",
        "aws_virtual_hosted_style_request": "virtual_hosted_style",
        "force_virtual_addressing": "virtual_hosted_style",
        "request_payer": "requester_pays",
        "aws_request_payer": "requester_pays",
        "aws_server_side_encryption": "server_side_encryption",
        "aws_sse_kms_key_id": "sse_kms_key_id",
    }
    rewrites: ClassVar[Mapping[str, Callable[[Any], Mapping[str, Any]]]] = {
        **ClientStorageOptions.client_rewrites,
        "addressing_style": _addressing,
        "url_style": _addressing,
        "force_path_style": lambda value: {"virtual_hosted_style": not as_bool(value)},
        "scheme": lambda value: {"allow_http": str(value).lower() == "http"},
        "client_kwargs": _client_kwargs,
    }
    environment: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "access_key_id": ("AWS_ACCESS_KEY_ID",),
        "secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
        "session_token": ("AWS_SESSION_TOKEN",),
        "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
        "endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "sts_endpoint_url": ("AWS_ENDPOINT_URL_STS",),
        "assume_role_arn": ("AWS_ROLE_ARN",),
        "role_session_name": ("AWS_ROLE_SESSION_NAME",),
        "web_identity_token_file": ("AWS_WEB_IDENTITY_TOKEN_FILE",),
        "ca_certificate": ("AWS_CA_BUNDLE",),
        "anon": ("AWS_SKIP_SIGNATURE",),
        "requester_pays": ("AWS_REQUEST_PAYER",),
    }

    @classmethod
    def _environment_values(cls, environ: Mapping[str, str]) -> dict[str, Any]:
        found = super()._environment_values(environ)
        if "web_identity_token_file" not in found or "assume_role_arn" not in found:
            # AWS_ROLE_ARN alone asks for nothing: it is the second half of a web identity
            for name in ("web_identity_token_file", "assume_role_arn", "role_session_name"):
                found.pop(name, None)
        if _ignores_endpoints(environ):
            found.pop("endpoint_url", None)
            found.pop("sts_endpoint_url", None)
        if str(found.get("requester_pays", "")).lower() == "requester":
            found["requester_pays"] = True
        return found

    @property
    def effective_endpoint_url(self) -> str | None:
        """The endpoint set here, else of the environment (`AWS_ENDPOINT_URL_S3` first), else of the profile.

        None is AWS itself.
        """
        found = self.endpoint_url
        if not found and not _ignores_endpoints(os.environ):
            found = self._from_environment("endpoint_url")
            if not found:
                profile = load_profile(profile_name(self.profile, os.environ), os.environ)
                found = profile.endpoint_url if profile else None
        return found.rstrip("/") if found else None

    @property
    def effective_region(self) -> str:
        """The region set here, else of the environment, else of the profile, else `us-east-1`."""
        found = self.region or self._from_environment("region")
        if not found:
            profile = load_profile(profile_name(self.profile, os.environ), os.environ)
            found = profile.settings.get("region") if profile else None
        return found or "us-east-1"

    def effective_web_identity(self, environ: Mapping[str, str]) -> tuple[str, str] | None:
        """Return the token file and role of a web identity: set here, or of an environment that nothing here outvotes.

        Raises:
            InvalidValue: a token file without a role.
        """
        if self.web_identity_token_file is not None:
            role = self.assume_role_arn or environ.get("AWS_ROLE_ARN")
            if not role:
                raise InvalidValue("s3: found web_identity_token_file without a role; give assume_role_arn as well")
            return self.web_identity_token_file, role
        if self.access_key_id is not None or self.profile is not None or self.assume_role_arn is not None:
            return None
        file, role = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environ.get("AWS_ROLE_ARN")
        return (file, role) if file and role else None

    def namespace(self) -> str:
        """Return the first component of a store's namespace: `s3`, or `s3-HOST-PORT` for an endpoint of its own."""
        endpoint = self.effective_endpoint_url
        if endpoint is None:
            return "s3"
        return "s3-" + urlsplit(endpoint).netloc.rpartition("@")[2].replace(":", "-")

    @shielded
    def to_obstore(self, bucket: str, prefix: str = "") -> S3Store:
        """Return obstore's store of `bucket`, rooted at `prefix`. No request is made.

        Raises:
            InvalidValue: an option that obstore refuses, e.g. an endpoint that is not a URL; an unknown profile.
            Unsupported: credentials that need botocore, which is not installed.
        """
        from obstore.store import S3Store

        endpoint = self.effective_endpoint_url
        if endpoint is not None and urlsplit(endpoint).scheme not in {"http", "https"}:
            raise InvalidValue(f"s3: found endpoint_url {endpoint!r}, wanted one that starts with http:// or https://")
        region = self.effective_region
        config: S3Config = {
            "region": region,
            "virtual_hosted_style_request": self.virtual_hosted_style,
            "skip_signature": self.anon,
        }
        if endpoint is None and any(os.environ.get(name) for name in self.environment["endpoint_url"]):
            host = f"{bucket}.s3" if self.virtual_hosted_style else "s3"
            endpoint = f"https://{host}.{region}.amazonaws.com"  # else obstore takes what is to be ignored
        if endpoint is not None:
            config["endpoint"] = config["aws_endpoint_url_s3"] = endpoint  # the latter wins when the environment has it
        if self.requester_pays:
            config["request_payer"] = True
        if self.server_side_encryption is not None:
            config["server_side_encryption"] = self.server_side_encryption
        if self.sse_kms_key_id is not None:
            config["sse_kms_key_id"] = self.sse_kms_key_id
        provider = None if self.anon else find_credentials(self, os.environ, config)
        with refusals(f"s3: bucket {bucket!r}"):
            return S3Store(
                bucket,
                prefix=prefix or None,
                config=config,
                client_options=self.client_config(endpoint),
                retry_config=self.retry_config(),
                credential_provider=provider,
            )

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that s3fs takes for the same storage.

        Raises:
            Unsupported: a role to assume; s3fs does that only for a profile that says so.
        """
        if self.assume_role_arn is not None and self.web_identity_token_file is None:
            raise Unsupported("s3: s3fs does not assume a role; use a profile with role_arn, or this library's own S3")
        client: dict[str, Any] = {"region_name": self.effective_region}
        if self.allow_invalid_certificates:
            client["verify"] = False
        elif self.ca_certificate is not None:
            client["verify"] = os.path.expanduser(self.ca_certificate)
        config: dict[str, Any] = {
            "connect_timeout": self.connect_timeout_s,
            "read_timeout": self.timeout_s,
            "retries": {"max_attempts": self.max_retries},
            "max_pool_connections": self.max_concurrency,
        }
        if self.virtual_hosted_style:
            config["s3"] = {"addressing_style": "virtual"}
        if self.proxy_url is not None:
            proxy = self.proxy_url.get_secret_value()
            config["proxies"] = {"http": proxy, "https": proxy}
        keys = None if self.anon else find_credentials(self, os.environ, {})
        static = keys if isinstance(keys, StaticKeys) else None
        found: dict[str, Any] = {
            "key": static.access_key_id if static else None,
            "secret": static.secret_access_key if static else None,
            "token": static.session_token if static else None,
            "anon": self.anon,
            "endpoint_url": self.effective_endpoint_url,
            "client_kwargs": client,
            "config_kwargs": config,
            "requester_pays": self.requester_pays,
        }
        if self.profile is not None and static is None:
            found["profile"] = self.profile
        return found


def _ignores_endpoints(environ: Mapping[str, str]) -> bool:
    return environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
