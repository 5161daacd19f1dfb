"""Options of Google Cloud Storage."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.base import Secret
from fsspeckit_lib.storage_options.client import ClientStorageOptions, refusals
from fsspeckit_lib.storage_options.gcs_credentials import GoogleToken, StaticToken, google_auth, is_for_google_auth

if TYPE_CHECKING:
    from obstore.store import GCSConfig, GCSStore

__all__ = ["GcsStorageOptions"]

_SERVICE = "https://storage.googleapis.com"
_METHODS: Mapping[str, Mapping[str, Any]] = {"google_default": {}, "cloud": {}, "cache": {}, "anon": {"anon": True}}
"""What gcsfs takes as `token` beside a file, a mapping and a token."""


def _token(value: Any) -> Mapping[str, Any]:
    """Take `token` as gcsfs has it: a method's name, a file, the mapping of a service account; else an access token."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {"service_account_key": value}
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if text in _METHODS:
        return _METHODS[text]
    if text == "browser":
        raise InvalidValue("gs: wanted a token or a file; log in with gcloud auth application-default login instead")
    if text.lstrip().startswith("{"):
        return {"service_account_key": text}
    if text.endswith(".json") or ("/" in text and os.path.exists(os.path.expanduser(text))):
        return {"application_credentials": text}
    return {"token": text}


class GcsStorageOptions(ClientStorageOptions):
    """How to reach a bucket of Google Cloud Storage. What is not set comes from the environment, as Google's tools do.

    One kind of credentials is used, the first that is set of: `anon`, `token`, `service_account_key`,
    `service_account_file`, `application_credentials`; then the same of the environment; then gcloud's own default file;
    then the machine's account. An endpoint over plain HTTP (an emulator) gets no credentials that were not set here.
    """

    protocol: str = "gs"
    protocols: ClassVar[tuple[str, ...]] = ("gs",)
    token: Secret | None = None
    """An access token. It is not renewed."""
    service_account_file: str | None = None
    service_account_key: Secret | None = None
    """The JSON text of a service account; a mapping is taken too."""
    application_credentials: str | None = None
    """A file as GOOGLE_APPLICATION_CREDENTIALS names it, of any type."""
    project: str | None = None
    endpoint_url: str | None = None
    anon: bool = False

    aliases: ClassVar[Mapping[str, str]] = {
        **ClientStorageOptions.client_aliases,
        "access_token": "token",
        "bearer_token": "token",
        "google_bearer_token": "token",
        "service_account": "service_account_file",
        "service_account_path": "service_account_file",
        "google_service_account": "service_account_file",
        "google_service_account_path": "service_account_file",
        "service_account_json": "service_account_key",
        "google_service_account_key": "service_account_key",
        "google_application_credentials": "application_credentials",
        "credentials_file": "application_credentials",
        "key_file": "application_credentials",
        "project_id": "project",
        "project_number": "project",
        "google_cloud_project": "project",
        "endpoint": "endpoint_url",
        "base_url": "endpoint_url",
        "google_base_url": "endpoint_url",
        "endpoint_override": "endpoint_url",
        "anonymous": "anon",
        "skip_signature": "anon",
        "google_skip_signature": "anon",
    }
    rewrites: ClassVar[Mapping[str, Callable[[Any], Mapping[str, Any]]]] = {
        **ClientStorageOptions.client_rewrites,
        "token": _token,
        "credentials": _token,
    }
    environment: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "token": ("GOOGLE_BEARER_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"),
        "service_account_key": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
        "service_account_file": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"),
        "application_credentials": ("GOOGLE_APPLICATION_CREDENTIALS",),
        "project": ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT", "GCP_PROJECT"),
        "endpoint_url": ("STORAGE_EMULATOR_HOST", "GOOGLE_BASE_URL", "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE"),
        "anon": ("GOOGLE_SKIP_SIGNATURE",),
    }

    @field_validator("service_account_key", mode="before")
    @classmethod
    def _json_text(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return json.dumps(value)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        try:
            parsed = json.loads(text) if text is not None else {}
        except (TypeError, ValueError):
            parsed = None
        if not isinstance(parsed, dict):
            raise ValueError("wanted the JSON of a service account's key; a file is service_account_file")
        return value

    @field_validator("endpoint_url", mode="before")
    @classmethod
    def _with_scheme(cls, value: Any) -> Any:
        if value is None or value in {"", "default"}:
            return None
        is_host_and_port = isinstance(value, str) and "://" not in value and ":" in value
        return f"http://{value}" if is_host_and_port else value  # STORAGE_EMULATOR_HOST is host:port

    @property
    def effective_endpoint_url(self) -> str | None:
        """The endpoint set here, else of `STORAGE_EMULATOR_HOST` or `GOOGLE_BASE_URL`; None is Google itself."""
        found = self.endpoint_url or self._with_scheme(self._from_environment("endpoint_url"))
        return found.rstrip("/") if found and found.rstrip("/") != _SERVICE else None

    def with_environment(self, environ: Mapping[str, str]) -> GcsStorageOptions:
        """Return these options with one kind of credentials, or none where the machine's are to be used."""
        kinds = ("anon", "token", "service_account_key", "service_account_file", "application_credentials")
        own = {name: getattr(self, name) for name in kinds}
        chosen = {name: value for name, value in own.items() if value}
        endpoint = self.effective_endpoint_url
        if not chosen and endpoint is not None and endpoint.startswith("http://"):
            chosen = {"anon": True}
        if not chosen:
            found = type(self).from_env(environ)
            chosen = {name: getattr(found, name) for name in kinds if getattr(found, name)}
        if not chosen and environ.get("CLOUDSDK_CONFIG"):
            file = os.path.join(environ["CLOUDSDK_CONFIG"], "application_default_credentials.json")
            chosen = {"application_credentials": file} if os.path.exists(file) else {}
        first = next((name for name in kinds if name in chosen), None)
        cleared = {name: False if name == "anon" else None for name in kinds}
        return self.model_copy(update={**cleared, **({first: chosen[first]} if first else {})})

    def namespace(self) -> str:
        """Return the first component of a store's namespace: `gs`, or `gs-HOST-PORT` for an endpoint of its own."""
        endpoint = self.effective_endpoint_url
        return "gs" if endpoint is None else "gs-" + urlsplit(endpoint).netloc.rpartition("@")[2].replace(":", "-")

    @shielded
    def to_obstore(self, bucket: str, prefix: str = "") -> GCSStore:
        """Return obstore's store of `bucket`, rooted at `prefix`. No request is made.

        Raises:
            InvalidValue: an option that obstore refuses; a file of credentials that cannot be read.
            Unsupported: credentials that need google-auth, which is not installed.
        """
        from obstore.store import GCSStore

        endpoint = self.effective_endpoint_url
        chosen = self.with_environment(os.environ)
        config: GCSConfig = {"skip_signature": chosen.anon}
        provider: StaticToken | GoogleToken | None = None
        if endpoint is not None:
            if urlsplit(endpoint).scheme not in {"http", "https"}:
                raise InvalidValue("gs: found an endpoint_url of another scheme, wanted http:// or https://")
            config["base_url"] = endpoint
        if chosen.anon:
            provider = StaticToken("")  # obstore signs writes all the same: without it it asks the metadata server
        elif chosen.token is not None:
            provider = StaticToken(chosen.token.get_secret_value())
        elif chosen.service_account_key is not None:
            config["service_account_key"] = chosen.service_account_key.get_secret_value()
        elif chosen.service_account_file is not None:
            config["service_account"] = os.path.expanduser(chosen.service_account_file)
        elif chosen.application_credentials is not None:
            file = os.path.expanduser(chosen.application_credentials)
            if is_for_google_auth(file):
                provider = GoogleToken(file)
            else:
                config["application_credentials"] = file
        with refusals(f"gs: bucket {bucket!r}"):
            return GCSStore(
                bucket,
                prefix=prefix or None,
                config=config,
                client_options=self.client_config(endpoint),
                retry_config=self.retry_config(),
                credential_provider=provider,
            )

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that gcsfs takes for the same storage."""
        chosen = self.with_environment(os.environ)
        token: Any = None
        if chosen.anon:
            token = "anon"  # gcsfs's word for no token
        elif chosen.token is not None:
            # of a plain str gcsfs asks Google when it expires
            token = google_auth("google.oauth2.credentials").Credentials(token=chosen.token.get_secret_value())
        elif chosen.service_account_key is not None:
            token = json.loads(chosen.service_account_key.get_secret_value())
        else:
            token = chosen.service_account_file or chosen.application_credentials
        found: dict[str, Any] = {"token": token, "timeout": self.timeout_s}
        if self.project or self._from_environment("project"):
            found["project"] = self.project or self._from_environment("project")
        if self.effective_endpoint_url is not None:
            found["endpoint_url"] = self.effective_endpoint_url
        return found
