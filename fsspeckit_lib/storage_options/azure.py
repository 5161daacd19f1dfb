"""Options of Azure Blob Storage and Data Lake Storage (Gen2), which are one storage under two names."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import field_validator

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.errors import InvalidValue, Unsupported
from fsspeckit_lib.storage_options.azure_connection import EMULATOR_ACCOUNT, EMULATOR_KEY, parse_connection_string
from fsspeckit_lib.storage_options.base import Secret
from fsspeckit_lib.storage_options.client import ClientStorageOptions, refusals

if TYPE_CHECKING:
    from obstore.store import AzureConfig, AzureStore

__all__ = ["AzureStorageOptions"]

_DOMAIN = "blob.core.windows.net"
_EMULATOR_PORT = 10000
_CREDENTIALS = ("account_key", "sas_token", "token", "client_secret", "federated_token_file", "use_azure_cli", "anon")


class AzureStorageOptions(ClientStorageOptions):
    """How to reach a container. What is not set here comes from the environment, as Azure's tools read it.

    One kind of credentials is used, the first that is set of: `anon`, `token`, `account_key`, `sas_token`,
    `client_secret` with `client_id` and `tenant_id`, `federated_token_file`, `use_azure_cli`; then the same of the
    environment; then the identity of the machine. A connection string gives what is not set beside it.
    """

    protocol: str = "az"
    protocols: ClassVar[tuple[str, ...]] = ("az",)
    account_name: str | None = None
    account_key: Secret | None = None
    sas_token: Secret | None = None
    connection_string: Secret | None = None
    token: Secret | None = None
    """A bearer token of Entra ID. It is not renewed."""
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    authority_host: str | None = None
    federated_token_file: str | None = None
    use_azure_cli: bool = False
    use_emulator: bool = False
    """Azurite at 127.0.0.1:10000, or at `endpoint_url`."""
    endpoint_url: str | None = None
    anon: bool = False

    aliases: ClassVar[Mapping[str, str]] = {
        **ClientStorageOptions.client_aliases,
        "account": "account_name",
        "azure_storage_account_name": "account_name",
        "azure_storage_account": "account_name",
        "access_key": "account_key",
        "key": "account_key",
        "master_key": "account_key",
        "azure_storage_account_key": "account_key",
        "azure_storage_access_key": "account_key",
        "azure_storage_master_key": "account_key",
        "azure_storage_key": "account_key",
        "sas_key": "sas_token",
        "sas": "sas_token",
        "azure_storage_sas_token": "sas_token",
        "azure_storage_sas_key": "sas_token",
        "azure_storage_connection_string": "connection_string",
        "conn_str": "connection_string",
        "bearer_token": "token",
        "access_token": "token",
        "azure_storage_token": "token",
        "tenant": "tenant_id",
        "authority_id": "tenant_id",
        "azure_tenant_id": "tenant_id",
        "azure_storage_tenant_id": "tenant_id",
        "azure_storage_authority_id": "tenant_id",
        "azure_client_id": "client_id",
        "azure_storage_client_id": "client_id",
        "azure_client_secret": "client_secret",
        "azure_storage_client_secret": "client_secret",
        "azure_authority_host": "authority_host",
        "azure_storage_authority_host": "authority_host",
        "azure_federated_token_file": "federated_token_file",
        "azure_use_azure_cli": "use_azure_cli",
        "azure_storage_use_emulator": "use_emulator",
        "endpoint": "endpoint_url",
        "account_url": "endpoint_url",
        "azure_storage_endpoint": "endpoint_url",
        "azure_endpoint": "endpoint_url",
        "anonymous": "anon",
        "skip_signature": "anon",
        "azure_skip_signature": "anon",
    }
    rewrites: ClassVar[Mapping[str, Callable[[Any], Mapping[str, Any]]]] = {
        **ClientStorageOptions.client_rewrites,
        "account_host": lambda value: {"endpoint_url": f"https://{value}"},
    }
    environment: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "account_name": ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"),
        "account_key": (
            "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_MASTER_KEY",
        ),
        "sas_token": ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"),
        "connection_string": ("AZURE_STORAGE_CONNECTION_STRING",),
        "token": ("AZURE_STORAGE_TOKEN",),
        "tenant_id": (
            "AZURE_STORAGE_TENANT_ID", "AZURE_STORAGE_AUTHORITY_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_ID",
        ),
        "client_id": ("AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"),
        "client_secret": ("AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"),
        "authority_host": ("AZURE_STORAGE_AUTHORITY_HOST", "AZURE_AUTHORITY_HOST"),
        "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
        "use_azure_cli": ("AZURE_USE_AZURE_CLI",),
        "use_emulator": ("AZURE_STORAGE_USE_EMULATOR",),
        "endpoint_url": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURE_STORAGE_SERVICE_ENDPOINT"),
        "anon": ("AZURE_SKIP_SIGNATURE", "AZURE_STORAGE_ANON"),
    }  # fmt: skip

    def with_environment(self, environ: Mapping[str, str]) -> Self:
        """Return these options with their connection string spelt out and what is not set taken from the environment.

        Credentials of the environment count only where none is set here.

        Raises:
            InvalidValue: a connection string that is none.
        """
        given = self._spelt_out()
        found = type(self).from_env(environ)._spelt_out()
        if any(given.get(name) for name in _CREDENTIALS):
            found = {name: value for name, value in found.items() if name not in _CREDENTIALS}
        account = given.get("account_name")
        if account is not None and found.get("account_name") not in {None, account}:
            # the environment speaks of another account: its endpoint and keys are not this one's
            found = {
                name: value for name, value in found.items() if name not in {"account_key", "sas_token", "endpoint_url"}
            }
        if given.get("endpoint_url") is not None or account not in {None, EMULATOR_ACCOUNT}:
            found.pop("use_emulator", None)
        merged = {**found, **given, "connection_string": None}
        if merged.get("use_emulator"):
            merged.setdefault("account_name", EMULATOR_ACCOUNT)
            merged.setdefault("endpoint_url", f"http://127.0.0.1:{_EMULATOR_PORT}/{merged['account_name']}")
        if merged.get("account_name") is None and merged.get("endpoint_url") is not None:
            merged["account_name"] = _account_in(merged["endpoint_url"])
        if merged.get("account_name") == EMULATOR_ACCOUNT and not any(merged.get(name) for name in _CREDENTIALS):
            merged["account_key"] = Secret(EMULATOR_KEY)
        return self.model_copy(update=merged)

    @field_validator("connection_string")
    @classmethod
    def _readable(cls, value: Secret | None) -> Secret | None:
        if value is not None and "${" not in value.get_secret_value():  # else a reference to a variable
            try:
                parse_connection_string(value.get_secret_value())
            except InvalidValue as error:
                raise ValueError(str(error).removeprefix("az: connection_string: ")) from None
        return value

    def _spelt_out(self) -> dict[str, Any]:
        """Return the set fields, those of the connection string among them."""
        fields = {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}
        if self.connection_string is None:
            return fields
        parsed = parse_connection_string(self.connection_string.get_secret_value())
        secret = {
            name: Secret(value) if name in {"account_key", "sas_token"} else value for name, value in parsed.items()
        }
        return {**secret, **fields}

    def _resolved(self) -> tuple[Self, str, str | None]:
        """Return the options with the environment's, the account, and an endpoint of its own or None for Azure's."""
        options = self.with_environment(os.environ)
        endpoint = options.endpoint_url.rstrip("/") if options.endpoint_url else None
        account = options.account_name
        parts = urlsplit(endpoint) if endpoint is not None else None
        if parts is not None and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise InvalidValue(
                "az: found an endpoint_url that is no URL, wanted one that starts with http:// or https://"
            )
        if account is None:
            raise InvalidValue(
                "az: found no account; give account_name, a connection_string, or AZURE_STORAGE_ACCOUNT_NAME"
            )
        if parts is None or parts.netloc.lower() in {f"{account}.{_DOMAIN}", f"{account}.dfs.core.windows.net"}:
            return options, account, None
        if _is_by_path(parts.hostname or "") and not parts.path.strip("/"):
            endpoint = f"{endpoint}/{account}"  # Azurite: the account is the first component of the path
        return options, account, endpoint

    @property
    def effective_endpoint_url(self) -> str | None:
        """The endpoint set here or in the environment, with the account in its path if need be; None is Azure's."""
        return self._resolved()[2]

    def namespace(self) -> str:
        """Return the first component of a store's namespace: `az-ACCOUNT`, or `az-HOST-PORT-ACCOUNT` elsewhere."""
        _, account, endpoint = self._resolved()
        if endpoint is None:
            return f"az-{account}"
        return f"az-{urlsplit(endpoint).netloc.rpartition('@')[2].replace(':', '-')}-{account}"

    @shielded
    def to_obstore(self, bucket: str, prefix: str = "") -> AzureStore:
        """Return obstore's store of the container `bucket`, rooted at `prefix`. No request is made.

        Raises:
            InvalidValue: no account, or an option that obstore refuses.
        """
        from obstore.store import AzureStore

        options, account, endpoint = self._resolved()
        config: AzureConfig = {"account_name": account, "use_emulator": False, "use_azure_cli": False}
        if endpoint is not None or any(os.environ.get(name) for name in self.environment["endpoint_url"]):
            config["endpoint"] = endpoint or f"https://{account}.{_DOMAIN}"  # else obstore takes the environment's
        for name in ("tenant_id", "client_id", "authority_host"):
            value = getattr(options, name)
            if value is not None:
                config[name] = value
        options._add_credentials(config)
        with refusals(f"az: container {bucket!r}"):
            return AzureStore(
                bucket,
                prefix=prefix or None,
                config=config,
                client_options=self.client_config(endpoint),
                retry_config=self.retry_config(),
            )

    def _add_credentials(self, config: AzureConfig) -> None:
        """Add one kind of credentials, named, so that obstore takes no other of the environment."""
        config["skip_signature"] = self.anon
        if self.anon:
            return
        if self.token is not None:
            config["token"], config["credential_type"] = self.token.get_secret_value(), "bearer_token"
        elif self.account_key is not None:
            config["account_key"], config["credential_type"] = self.account_key.get_secret_value(), "access_key"
        elif self.sas_token is not None:
            config["sas_key"], config["credential_type"] = self.sas_token.get_secret_value(), "sas_token"
        elif self.client_secret is not None:
            if self.client_id is None or self.tenant_id is None:
                raise InvalidValue("az: found client_secret without client_id and tenant_id; give all three")
            config["client_secret"], config["credential_type"] = self.client_secret.get_secret_value(), "client_secret"
        elif self.federated_token_file is not None:
            config["federated_token_file"], config["credential_type"] = self.federated_token_file, "workload_identity"
        elif self.use_azure_cli:
            config["use_azure_cli"], config["credential_type"] = True, "azure_cli"
        else:
            config["credential_type"] = "managed_identity"

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments that adlfs takes for the same storage.

        Raises:
            InvalidValue: no account.
            Unsupported: an endpoint over plain HTTP without a key or a signature.
        """
        options, account, endpoint = self._resolved()
        key = options.account_key.get_secret_value() if options.account_key else None
        sas = options.sas_token.get_secret_value() if options.sas_token and not key else None
        found: dict[str, Any] = {
            "account_name": account,
            "anon": options.anon,
            "connection_timeout": max(1, round(self.connect_timeout_s)),
            "read_timeout": max(1, round(self.timeout_s)),
            "max_concurrency": self.max_concurrency,
        }
        if endpoint is not None and (key or sas):
            # adlfs takes another endpoint than https://HOST only so
            secret = f"AccountKey={key}" if key else f"SharedAccessSignature={sas}"
            found["connection_string"] = f"AccountName={account};{secret};BlobEndpoint={endpoint}"
            return found
        if endpoint is not None and endpoint.startswith("http://"):
            raise Unsupported("az: adlfs reaches plain HTTP only with an account_key or a sas_token; give one")
        if endpoint is not None:
            found["account_host"] = urlsplit(endpoint).netloc
        optional = {
            "account_key": key,
            "sas_token": sas,
            "client_id": options.client_id,
            "client_secret": options.client_secret.get_secret_value() if options.client_secret else None,
            "tenant_id": options.tenant_id,
        }
        return {**found, **{name: value for name, value in optional.items() if value is not None}}


def _account_in(endpoint: str) -> str | None:
    """Return the account that an endpoint names by its host or, where accounts are served by path, by its path."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if ".blob." in host or ".dfs." in host:
        return host.partition(".")[0]
    return (parts.path.strip("/").partition("/")[0] or None) if _is_by_path(host) else None


def _is_by_path(host: str) -> bool:
    """Tell whether a host serves accounts by path, as Azurite does: an IP address, or a name without a domain."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True
