"""Every name of every class: the aliases, the values that stand for more than themselves, the environment."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from fsspeckit_lib.errors import InvalidValue, UnknownName
from fsspeckit_lib.storage_options import (
    AwsStorageOptions,
    AzureStorageOptions,
    BaseStorageOptions,
    FtpStorageOptions,
    GcsStorageOptions,
    GitHubStorageOptions,
    GitLabStorageOptions,
    HttpStorageOptions,
    LocalStorageOptions,
    MemoryStorageOptions,
    SftpStorageOptions,
    from_env,
    storage_options_for,
)
from fsspeckit_lib.storage_options.client import ClientStorageOptions

CLASSES: list[type[BaseStorageOptions]] = [
    AwsStorageOptions, AzureStorageOptions, FtpStorageOptions, GcsStorageOptions, GitHubStorageOptions,
    GitLabStorageOptions, HttpStorageOptions, LocalStorageOptions, MemoryStorageOptions, SftpStorageOptions,
]  # fmt: skip
OWN = [cls for cls in CLASSES if cls not in (GitHubStorageOptions, GitLabStorageOptions)]
"""Without the two classes whose options depend on each other."""
SPECIAL: Mapping[str, Any] = {
    "service_account_key": '{"type": "service_account"}', "headers": {"X-A": "b"}, "host_key_policy": "auto_add",
    "connection_string": "AccountName=a;AccountKey=b", "endpoint_url": "http://127.0.0.1:1",
    "sts_endpoint_url": "http://127.0.0.1:1", "base_url": "https://git.example.com", "api_version": "v4",
}  # fmt: skip


def plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def sample(cls: type[BaseStorageOptions], field: str) -> tuple[Any, Any]:
    """Return a value as text, as an environment or `-o` gives it, and as the field has it afterwards."""
    if field in SPECIAL:
        return SPECIAL[field], SPECIAL[field]
    annotation = str(cls.model_fields[field].annotation)
    if "bool" in annotation:
        return "true", True
    if "float" in annotation:
        return "7.5", 7.5
    return ("7", 7) if "int" in annotation else ("some-value", "some-value")


@pytest.mark.parametrize(("cls", "alias"), [(cls, alias) for cls in OWN for alias in sorted(cls.aliases)])
def test_an_alias_gives_its_field(cls: type[BaseStorageOptions], alias: str) -> None:
    field = cls.aliases[alias]
    given, meant = sample(cls, field)
    options = cls.from_mapping(cls.protocols[0], {alias: given})
    if field != "headers":
        assert plain(getattr(options, field)) == meant
    assert options == cls.from_mapping(cls.protocols[0], {field: given})
    assert cls.from_mapping(cls.protocols[0], options.to_dict()) == options


@pytest.mark.parametrize(
    ("protocol", "name", "field"),
    [  # what people know from elsewhere; an independent list, so that none is lost
        *[("s3", name, "access_key_id") for name in ("key", "access_key", "aws_access_key_id", "username")],
        *[("s3", name, "secret_access_key") for name in ("secret", "secret_key", "aws_secret_access_key", "password")],
        *[("s3", name, "session_token") for name in ("token", "aws_session_token")],
        *[("s3", name, "endpoint_url") for name in ("endpoint", "endpoint_override", "aws_endpoint_url")],
        *[("s3", name, "region") for name in ("region_name", "aws_region", "aws_default_region")],
        ("s3", "aws_profile", "profile"), ("s3", "role_arn", "assume_role_arn"),
        ("s3", "session_name", "role_session_name"),
        *[("s3", name, "anon") for name in ("anonymous", "skip_signature", "no_sign_request")],
        ("s3", "virtual_hosted_style_request", "virtual_hosted_style"), ("s3", "request_payer", "requester_pays"),
        *[("gs", name, "endpoint_url") for name in ("base_url", "endpoint_override", "google_base_url")],
        ("gs", "service_account_path", "service_account_file"), ("gs", "access_token", "token"),
        ("gs", "project_id", "project"),
        *[("az", name, "account_key") for name in ("access_key", "azure_storage_account_key", "key")],
        *[("az", name, "sas_token") for name in ("sas_key", "azure_storage_sas_token")],
        ("az", "account_url", "endpoint_url"), ("az", "authority_id", "tenant_id"), ("az", "anonymous", "anon"),
        ("https", "bearer_token", "token"), ("https", "user", "username"), ("sftp", "key_filename", "private_key"),
        ("sftp", "hostname", "host"), ("ftp", "user", "username"), ("github", "default_branch", "ref"),
        ("gitlab", "default_branch", "ref"), ("gitlab", "private_token", "token"),
        *[(protocol, "verify", "allow_invalid_certificates") for protocol in ("s3", "gs", "az", "https")],
    ],
)  # fmt: skip
def test_a_well_known_name_is_known(protocol: str, name: str, field: str) -> None:
    cls = type(storage_options_for(protocol))
    given, _ = sample(cls, field)
    assert field in storage_options_for(protocol, {name: given}).model_fields_set


@pytest.mark.parametrize(
    ("cls", "given", "meant"),
    [
        (AwsStorageOptions, {"verify": False}, {"allow_invalid_certificates": True}),
        (AwsStorageOptions, {"verify": "/etc/ca.pem"}, {"ca_certificate": "/etc/ca.pem"}),
        (AwsStorageOptions, {"use_ssl": "false"}, {"allow_http": True}),
        (AwsStorageOptions, {"scheme": "http"}, {"allow_http": True}),
        (AwsStorageOptions, {"force_path_style": True}, {"virtual_hosted_style": False}),
        (AwsStorageOptions, {"addressing_style": "virtual"}, {"virtual_hosted_style": True}),
        (AwsStorageOptions, {"client_kwargs": {"endpoint_url": "http://h", "verify": False}},
         {"endpoint_url": "http://h", "allow_invalid_certificates": True}),
        (AwsStorageOptions, {"timeout": datetime.timedelta(seconds=3), "connect_timeout": "500ms"},
         {"timeout_s": 3.0, "connect_timeout_s": 0.5}),
        (GcsStorageOptions, {"token": "anon"}, {"anon": True}),
        (GcsStorageOptions, {"token": "google_default"}, {}),
        (GcsStorageOptions, {"token": "/x/key.json"}, {"application_credentials": "/x/key.json"}),
        (GcsStorageOptions, {"token": {"type": "service_account"}},
         {"service_account_key": '{"type": "service_account"}'}),
        (GcsStorageOptions, {"token": '{"a": 1}'}, {"service_account_key": '{"a": 1}'}),
        (GcsStorageOptions, {"endpoint": "localhost:4443"}, {"endpoint_url": "http://localhost:4443"}),
        (AzureStorageOptions, {"account_host": "a.blob.core.chinacloudapi.cn"},
         {"endpoint_url": "https://a.blob.core.chinacloudapi.cn"}),
        (HttpStorageOptions, {"auth": ("me", "pw")}, {"username": "me", "password": "pw"}),
        (HttpStorageOptions, {"client_kwargs": {"headers": {"A": "b"}}}, {"headers": {"A": "b"}}),
    ],
)  # fmt: skip
def test_values_that_stand_for_more(
    cls: type[BaseStorageOptions], given: dict[str, Any], meant: dict[str, Any]
) -> None:
    found = cls(**given).to_dict()
    del found["protocol"]
    assert found == meant


@pytest.mark.parametrize(
    ("cls", "given"),
    [
        (AwsStorageOptions, {"addressing_style": "hunter2"}),
        (AwsStorageOptions, {"use_ssl": "hunter2"}),
        (AwsStorageOptions, {"client_kwargs": "hunter2"}),
        (AwsStorageOptions, {"timeout": "hunter2"}),
        (AwsStorageOptions, {"max_concurrency": 0}),
        (AwsStorageOptions, {"endpoint_url": "http://me:hunter2@h"}),
        (GcsStorageOptions, {"service_account_key": "hunter2"}),
        (HttpStorageOptions, {"auth": "hunter2"}),
        (HttpStorageOptions, {"headers": {"A": ["hunter2"]}}),
        (SftpStorageOptions, {"host_key_policy": "hunter2"}),
        (SftpStorageOptions, {"port": "hunter2"}),
        (FtpStorageOptions, {"tls": "hunter2"}),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(cls: type[BaseStorageOptions], given: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=f"^{cls.__name__}: option '") as caught:
        cls(**given)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_unknown_name_is_refused(cls: type[BaseStorageOptions]) -> None:
    with pytest.raises(UnknownName, match="unknown option 'protocoll'; did you mean 'protocol'"):
        cls(protocoll="x")
    with pytest.raises(InvalidValue, match="found protocol 'dropbox', wanted '"):
        cls(protocol="dropbox")


ENVIRONMENT = [
    (cls, field, variable)
    for cls in OWN
    for field, variables in cls.environment.items()
    for variable in variables
    if not field.startswith(
        ("assume_role", "role_session", "web_identity")
    )  # these come in pairs: test_aws_credentials
]


@pytest.mark.parametrize(("cls", "field", "variable"), ENVIRONMENT)
def test_a_variable_gives_its_field(cls: type[BaseStorageOptions], field: str, variable: str) -> None:
    given, meant = sample(cls, field)
    options = cls.from_env({variable: given, "UNRELATED": "x"})
    assert plain(getattr(options, field)) == meant
    assert cls.from_env({variable: ""}) == cls.from_env({})


@pytest.mark.parametrize(
    ("protocol", "variable", "field"),
    [
        ("s3", "AWS_ACCESS_KEY_ID", "access_key_id"), ("s3", "AWS_REGION", "region"), ("s3", "AWS_PROFILE", "profile"),
        ("s3", "AWS_ENDPOINT_URL", "endpoint_url"), ("s3", "AWS_ENDPOINT_URL_S3", "endpoint_url"),
        ("gs", "GOOGLE_APPLICATION_CREDENTIALS", "application_credentials"),
        ("gs", "STORAGE_EMULATOR_HOST", "endpoint_url"),
        ("gs", "GOOGLE_CLOUD_PROJECT", "project"), ("az", "AZURE_STORAGE_ACCOUNT", "account_name"),
        ("az", "AZURE_STORAGE_KEY", "account_key"), ("az", "AZURE_STORAGE_SAS_TOKEN", "sas_token"),
        ("az", "AZURE_STORAGE_CONNECTION_STRING", "connection_string"), ("az", "AZURE_TENANT_ID", "tenant_id"),
        ("az", "AZURE_CLIENT_SECRET", "client_secret"), ("az", "AZURE_FEDERATED_TOKEN_FILE", "federated_token_file"),
    ],
)  # fmt: skip
def test_the_variables_of_each_tool(monkeypatch: pytest.MonkeyPatch, protocol: str, variable: str, field: str) -> None:
    given, meant = sample(type(storage_options_for(protocol)), field)
    monkeypatch.setenv(variable, given)
    assert plain(getattr(from_env(protocol), field)) == meant


def test_the_first_variable_wins() -> None:
    both = {"AWS_ENDPOINT_URL": "http://general", "AWS_ENDPOINT_URL_S3": "http://special"}
    assert AwsStorageOptions.from_env(both).endpoint_url == "http://special"
    assert AwsStorageOptions.from_env({**both, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}).endpoint_url is None


def test_half_a_web_identity_is_none() -> None:
    options = AwsStorageOptions.from_env({"AWS_ROLE_ARN": "arn:x", "AWS_ROLE_SESSION_NAME": "s"})
    assert options == AwsStorageOptions()


def test_a_wrong_variable_is_named_without_its_value() -> None:
    with pytest.raises(InvalidValue, match="option 'anon'") as caught:
        AwsStorageOptions.from_env({"AWS_SKIP_SIGNATURE": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, ClientStorageOptions)])
def test_the_client_has_the_same_limits_everywhere(cls: type[ClientStorageOptions]) -> None:
    options = cls.from_mapping(cls.protocols[0], {"timeout": "9s", "retries": 0, "max_concurrency": 5})
    assert (options.timeout_s, options.max_retries, options.max_concurrency) == (9.0, 0, 5)
    assert options.client_config(None)["timeout"] == datetime.timedelta(seconds=9)
    assert options.client_config("http://h")["allow_http"] is True
    assert options.client_config("https://h")["allow_http"] is False
    assert options.retry_config()["max_retries"] == 0
    with pytest.raises(InvalidValue, match="cannot be read"):
        cls.from_mapping(cls.protocols[0], {"ca_certificate": "/nope.pem"}).client_config("https://h")
