"""What is sent: which credentials, to which address, with which headers. A recording server stands for the provider."""

from __future__ import annotations

import base64
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from fsspeckit_lib.errors import AccessDenied, InvalidValue, Unsupported
from fsspeckit_lib.storage_options import AzureStorageOptions, GcsStorageOptions, from_dict, from_env
from fsspeckit_lib.storage_options.azure_connection import EMULATOR_ACCOUNT, EMULATOR_KEY, parse_connection_string
from tests.fsspeckit_lib.storage_options.conftest import Recorder

KEY = base64.b64encode(b"key").decode()


def read(protocol: str, values: dict[str, Any], place: str = "bucket", prefix: str = "") -> None:
    """Make one request with these options."""
    options: Any = from_dict(protocol, values)
    store = options.to_obstore(place, prefix) if protocol not in {"http", "https"} else options.to_obstore(place)
    assert bytes(store.get("k").bytes()) == b"ok"


@pytest.mark.parametrize(
    ("values", "authorization"),
    [
        ({"token": "T"}, "Bearer T"),
        ({"username": "me", "password": "pä"}, "Basic " + base64.b64encode("me:pä".encode()).decode()),
        ({"headers": {"Authorization": "Custom x"}}, "Custom x"),
        ({}, None),
    ],
)
def test_web_servers(recorder: Recorder, values: dict[str, Any], authorization: str | None) -> None:
    read("http", {**values, "headers": {**values.get("headers", {}), "X-A": "b"}}, f"{recorder.url}/base")
    assert recorder.requests[-1][1] == "/base/k"
    assert recorder.last_headers.get("authorization") == authorization
    assert recorder.last_headers["x-a"] == "b"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"token": "a", "username": "b"}, "more than one"),
        ({"token": "a", "headers": {"authorization": "b"}}, "more than one"),
        ({"password": "b"}, "without username"),
    ],
)
def test_contradictions_are_refused(values: dict[str, Any], words: str) -> None:
    options: Any = from_dict("https", values)
    with pytest.raises(InvalidValue, match=words):
        options.to_obstore("https://h/x")


@pytest.mark.parametrize("url", ["ftp://h/x", "https://me:pw@h/x", "https:///x"])
def test_what_is_no_address_of_a_web_server(url: str) -> None:
    options: Any = from_dict("https", {})
    with pytest.raises(InvalidValue, match="wanted http://HOST/PATH"):
        options.to_obstore(url)


def test_a_proxy_is_asked(recorder: Recorder) -> None:
    read("http", {"proxy": recorder.url}, "http://example.invalid/base")
    assert recorder.requests[-1][1] == "http://example.invalid/base/k"


@pytest.mark.parametrize(
    ("values", "variables", "authorization"),
    [
        ({}, {}, None),
        ({}, {"GOOGLE_BEARER_TOKEN": "E"}, None),
        ({"token": "T"}, {"GOOGLE_BEARER_TOKEN": "E"}, "Bearer T"),
        ({"anon": True}, {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"}, None),
        ({"token": "anon"}, {}, None),
    ],
)
def test_google(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], variables: dict[str, str],
    authorization: str | None,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    read("gs", {**values, "endpoint_url": recorder.url}, "b", "p")
    assert recorder.requests[-1][1] == "/b/p/k" or recorder.requests[-1][1] == "/b/p%2Fk"
    assert recorder.last_headers.get("authorization") == authorization


def test_googles_emulator_is_taken_from_the_environment(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", recorder.url.removeprefix("http://"))
    read("gs", {}, "b")
    assert GcsStorageOptions().namespace() == "gs-" + recorder.url.removeprefix("http://").replace(":", "-")
    assert from_env("gs").to_dict()["endpoint_url"] == recorder.url


def test_a_write_to_an_emulator_asks_no_metadata_server(recorder: Recorder) -> None:
    GcsStorageOptions(endpoint_url=recorder.url, max_retries=0).to_obstore("b").put("k", b"x")
    assert [method for method, _, _ in recorder.requests] == ["PUT"]


def test_googles_files_of_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidValue, match="cannot be read"):
        GcsStorageOptions(application_credentials="/nowhere.json").to_obstore("b")
    (tmp_path / "text.json").write_text("hunter2")
    with pytest.raises(InvalidValue, match="no JSON object") as caught:
        GcsStorageOptions(application_credentials=str(tmp_path / "text.json")).to_obstore("b")
    assert "hunter2" not in str(caught.value)
    federated = tmp_path / "federated.json"
    federated.write_text(json.dumps({"type": "external_account"}))
    assert GcsStorageOptions(application_credentials=str(federated)).to_obstore("b").credential_provider is not None
    user = tmp_path / "application_default_credentials.json"
    user.write_text(json.dumps(
        {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    ))  # fmt: skip
    native = GcsStorageOptions(application_credentials=str(user)).to_obstore("b")
    assert native.config.get("application_credentials") == str(user)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    assert GcsStorageOptions().to_obstore("b").config.get("application_credentials") == str(user)


@pytest.mark.parametrize(
    ("values", "variables", "path", "signed"),
    [
        ({"account_key": KEY}, {"AZURE_STORAGE_SAS_TOKEN": "sig=E"}, "/acc/c/k", "SharedKey acc:"),
        ({"sas_token": "?sv=1&sig=a%2Bb"}, {"AZURE_STORAGE_ACCOUNT_KEY": KEY}, "/acc/c/k?sv=1&sig=a%2Bb", None),
        ({"token": "T"}, {}, "/acc/c/k", "Bearer T"),
        ({"anon": True}, {"AZURE_STORAGE_ACCOUNT_KEY": KEY}, "/acc/c/k", None),
        ({}, {"AZURE_STORAGE_ACCOUNT_KEY": KEY}, "/acc/c/k", "SharedKey acc:"),
        ({}, {"AZURE_STORAGE_ACCOUNT": "acc", "AZURE_STORAGE_KEY": KEY}, "/acc/c/k", "SharedKey acc:"),
    ],
)
def test_azure(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], variables: dict[str, str], path: str,
    signed: str | None,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    read("az", {"account_name": "acc", "endpoint_url": recorder.url, **values}, "c")
    assert recorder.requests[-1][1] == path
    authorization = recorder.last_headers.get("authorization")
    assert authorization is None if signed is None else (authorization or "").startswith(signed)


def test_another_accounts_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"AccountName=other;AccountKey={KEY};BlobEndpoint=http://h/x")
    native = AzureStorageOptions(account_name="mine").to_obstore("c")
    assert native.config.get("account_name") == "mine"
    assert "account_key" not in native.config
    assert "endpoint" not in native.config


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k==;EndpointSuffix=core.windows.net",
         {"account_name": "a", "account_key": "k=="}),
        ("AccountName=a;AccountKey=k;EndpointSuffix=core.chinacloudapi.cn",
         {"account_name": "a", "account_key": "k", "endpoint_url": "https://a.blob.core.chinacloudapi.cn"}),
        ("BlobEndpoint=https://a.blob.core.windows.net/;SharedAccessSignature=?sv=1&sig=x",
         {"account_name": "a", "sas_token": "sv=1&sig=x", "endpoint_url": "https://a.blob.core.windows.net"}),
        ("UseDevelopmentStorage=true",
         {"account_name": EMULATOR_ACCOUNT, "account_key": EMULATOR_KEY,
          "endpoint_url": "http://127.0.0.1:10000/devstoreaccount1"}),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://host",
         {"account_name": EMULATOR_ACCOUNT, "account_key": EMULATOR_KEY,
          "endpoint_url": "http://host:10000/devstoreaccount1"}),
    ],
)  # fmt: skip
def test_connection_strings(text: str, meant: dict[str, str]) -> None:
    assert parse_connection_string(text) == meant


@pytest.mark.parametrize("text", ["hunter2", "AccountKey=hunter2", "=hunter2;", ""])
def test_what_is_no_connection_string(text: str) -> None:
    with pytest.raises(InvalidValue, match="connection_string") as caught:
        parse_connection_string(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "namespace"),
    [
        ({"account_name": "a"}, "az-a"),
        ({"account_name": "a", "endpoint_url": "https://a.blob.core.windows.net/"}, "az-a"),
        ({"endpoint_url": "https://a.dfs.core.windows.net"}, "az-a"),
        ({"endpoint_url": "http://127.0.0.1:1/acc"}, "az-127.0.0.1-1-acc"),
        ({"use_emulator": True}, "az-127.0.0.1-10000-devstoreaccount1"),
        ({"account_name": "a", "endpoint_url": "https://store.example.com"}, "az-store.example.com-a"),
    ],
)
def test_azures_accounts_are_told_apart(values: dict[str, Any], namespace: str) -> None:
    assert from_dict("az", values).namespace() == namespace


def test_azure_without_an_account_says_what_to_give() -> None:
    with pytest.raises(InvalidValue, match="give account_name"):
        AzureStorageOptions().to_obstore("c")
    with pytest.raises(InvalidValue, match="client_secret without client_id"):
        from_dict("az", {"account_name": "a", "client_secret": "s"}).to_obstore("c")  # type: ignore[attr-defined]
    with pytest.raises(Unsupported, match="adlfs reaches plain HTTP only"):
        from_dict("az", {"account_name": "a", "endpoint_url": "http://h", "anon": True}).to_fsspec_kwargs()


def test_what_the_fsspec_implementations_take() -> None:
    sas = from_dict("az", {"account_name": "a", "sas": "sv=1"}).to_fsspec_kwargs()
    assert (sas["account_name"], sas["sas_token"]) == ("a", "sv=1")
    local = from_dict("az", {"use_emulator": True}).to_fsspec_kwargs()
    assert local["connection_string"].endswith("BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1")
    google = from_dict("gs", {"token": "T", "project": "p"}).to_fsspec_kwargs()
    assert (google["token"].token, google["project"]) == ("T", "p")
    assert from_dict("gs", {"anon": True}).to_fsspec_kwargs()["token"] == "anon"
    web = from_dict("https", {"token": "T", "verify": False, "proxy": "http://p"}).to_fsspec_kwargs()
    assert web == {"headers": {"Authorization": "Bearer T"}, "ssl": False, "proxy": "http://p"}
    ftp = from_dict("ftp", {"host": "h", "user": "me", "password": "pw", "tls": "yes"}).to_fsspec_kwargs()
    assert (ftp["host"], ftp["port"], ftp["username"], ftp["password"], ftp["tls"]) == ("h", 21, "me", "pw", True)


def test_hosts() -> None:
    sftp = from_dict("ssh", {"host": "h", "port": "2222", "user": "me", "key_filename": "/k"})
    kwargs = sftp.to_fsspec_kwargs()
    assert (kwargs["host"], kwargs["port"], kwargs["username"], kwargs["key_filename"]) == ("h", 2222, "me", "/k")
    assert sftp.namespace() == "sftp-me@h-2222"
    trusting = from_dict("sftp", {"host": "h", "host_key_policy": "auto_add"})
    assert trusting.to_fsspec_kwargs()["host_key_policy"] == "auto_add"
    with pytest.raises(InvalidValue, match="found no host"):
        from_dict("sftp", {}).to_fsspec_kwargs()


def test_a_servers_key_must_be_known(tmp_path: Path) -> None:
    paramiko: Any = importlib.import_module("paramiko")
    key, other = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    known = tmp_path / "known_hosts"
    policy = from_dict("sftp", {"host": "h", "known_hosts": str(known)}).to_fsspec_kwargs()["host_key_policy"]
    with pytest.raises(AccessDenied, match="has no key for it"):
        policy.missing_host_key(None, "h", key)
    known.write_text(f"h {key.get_name()} {key.get_base64()}\n")
    policy.missing_host_key(None, "h", key)
    with pytest.raises(AccessDenied, match="has another key for it"):
        policy.missing_host_key(None, "h", other)
