"""Schemes that look odd, tokens in the URLs of repositories, options that somebody tries to change."""

from __future__ import annotations

import pytest

from fsspeckit_lib import filesystem
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput, GatewayError, InvalidValue, UnknownName
from fsspeckit_lib.storage_options import (
    AwsStorageOptions,
    AzureStorageOptions,
    BaseStorageOptions,
    GcsStorageOptions,
    GenericStorageOptions,
    HttpStorageOptions,
    merge_storage_options,
    storage_options_from_uri,
)
from fsspeckit_lib.storage_options.uri import parse_location


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s_3://bucket", "did you mean 's3'"), ("3s://b", "did you mean 's3'"), ("s3 s://b", "did you mean 's3'"),
        ("://x", r"unknown scheme ''; docs/storage-options\.md"),
    ],
)  # fmt: skip
def test_what_stands_before_slashes_is_a_scheme(url: str, words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        filesystem(url)


def test_a_scheme_of_the_registry_with_an_underscore_is_known() -> None:
    assert parse_location("arrow_hdfs://h/x").protocol == "arrow_hdfs"


@pytest.mark.parametrize("url", ["./a://b", "a/b://c"])
def test_a_slash_before_it_makes_a_path(url: str) -> None:
    assert parse_location(url).protocol == "file"


@pytest.mark.parametrize("url", ["s3 s://me:HUSH@b", "s_3://me:HUSH@b", "://me:HUSH@x", "me:HUSH@host://x"])
def test_an_unknown_scheme_shows_no_password(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        filesystem(url)
    assert "HUSH" not in f"{caught.value} {caught.value!r}".upper()


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("gitlab://oauth2:HUSH@g/p", ("PRIVATE-TOKEN", "HUSH")),
        ("gitlab://gitlab-ci-token:HUSH@g/p", ("JOB-TOKEN", "HUSH")),
        ("gitlab://glpat-HUSH@g/p@main/x", ("PRIVATE-TOKEN", "glpat-HUSH")),
        ("github://x-access-token:HUSH@o/r@main/x", ("Authorization", "Bearer HUSH")),
        ("github://ghp_HUSH@o/r", ("Authorization", "Bearer ghp_HUSH")),
    ],
)
def test_the_token_of_a_clone_url_is_taken_and_not_shown(url: str, header: tuple[str, str]) -> None:
    options = storage_options_from_uri(url)
    assert options.auth_headers() == dict([header])  # type: ignore[attr-defined]
    assert "HUSH" not in f"{options!r} {parse_location(url)!r} {filesystem(url)!r}"


@pytest.mark.parametrize("url", ["gitlab://HUSH@g/p", "github://HUSH@o/r"])
def test_what_may_be_a_token_is_masked_where_it_is_refused(url: str) -> None:
    with pytest.raises(GatewayError) as caught:
        filesystem(url)
    assert "HUSH" not in f"{caught.value} {caught.value!r}"


def test_fsspec_s_form_of_a_repository_is_no_token() -> None:
    assert parse_location("github://owner:repo@main/x").text == "github://owner:repo@main/x"


def test_options_refuse_a_change_without_repeating_it() -> None:
    options = AwsStorageOptions(access_key_id="a", secret_access_key="b")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="options do not change") as caught:
        options.secret_access_key = "HUSH"  # type: ignore[assignment]
    assert "HUSH" not in f"{caught.value!r}"
    assert caught.value.__cause__ is None


def test_generic_options_carry_whatever_the_protocol_takes() -> None:
    options = GenericStorageOptions(protocol="hf", token="HUSH")  # type: ignore[call-arg]
    assert options.to_fsspec_kwargs() == {"token": "HUSH"}
    assert "HUSH" not in repr(options)
    assert GenericStorageOptions.from_mapping("hf", options.to_dict()) == options
    assert merge_storage_options(options, {"revision": "r"}).to_dict() == {
        "protocol": "hf", "token": "HUSH", "revision": "r",
    }  # fmt: skip


NO_ENDPOINTS = [
    "notaurl",
    "http://",
    "ftp://x",
    "http://h:99999",
    "http://h:0",
    "http://a b",
    "http://[::1",
    "s3.local",
]


@pytest.mark.parametrize("url", NO_ENDPOINTS)
@pytest.mark.parametrize("cls", [AwsStorageOptions, GcsStorageOptions, AzureStorageOptions])
def test_an_endpoint_is_checked_on_construction(cls: type[BaseStorageOptions], url: str) -> None:
    with pytest.raises(InvalidValue, match=r"'endpoint_url': wanted the URL of a server"):
        cls(endpoint_url=url)


@pytest.mark.parametrize("url", ["http://[::1]:9000", "https://ok.example.com/x", "http://127.0.0.1:1"])
@pytest.mark.parametrize("cls", [AwsStorageOptions, GcsStorageOptions, AzureStorageOptions])
def test_an_endpoint_that_is_one_is_taken(cls: type[BaseStorageOptions], url: str) -> None:
    assert cls(endpoint_url=url).to_dict()["endpoint_url"] == url


@pytest.mark.parametrize(
    ("variable", "url", "options"),
    [
        ("AWS_ENDPOINT_URL", "s3://b", {"region": "x"}),
        ("STORAGE_EMULATOR_HOST", "gs://b", {}),
        ("AZURE_STORAGE_ENDPOINT", "az://b", {"account_name": "a"}),
    ],
)
def test_an_endpoint_of_the_environment_is_checked_at_use(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str, options: dict[str, str]
) -> None:
    monkeypatch.setenv(variable, "http://h:99999")
    with pytest.raises(InvalidValue, match="endpoint_url"):
        open_store(url, options)


def test_hosts_of_web_urls_and_proxies_are_checked() -> None:
    with pytest.raises(BadInput, match="no usable host and port"):
        open_store("http://h:99999/x")
    with pytest.raises(InvalidValue, match="'proxy_url': wanted the URL of a proxy"):
        HttpStorageOptions(proxy="ftp://p")  # type: ignore[call-arg]
    assert HttpStorageOptions(proxy="socks5://me:secret@p:1").proxy_url is not None  # type: ignore[call-arg]
