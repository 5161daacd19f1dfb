"""Options: aliases, refusals, secrets."""

from __future__ import annotations

import logging
import traceback

import pytest

from fsspeckit_lib.errors import BadInput, InvalidValue, UnknownName
from fsspeckit_lib.storage_options import AwsStorageOptions, from_dict, infer_protocol_from_uri, storage_options_for
from fsspeckit_lib.storage_options.uri import parse_location

SECRET = "very-secret-value"


@pytest.mark.parametrize("name", ["access_key_id", "access_key", "key", "aws_access_key_id"])
def test_well_known_aliases_name_one_field(name: str) -> None:
    options = storage_options_for("s3", {name: "me"})
    assert isinstance(options, AwsStorageOptions)
    assert options.access_key_id == "me"


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown option 'acess_key'; did you mean 'access_key'"):
        storage_options_for("s3", {"acess_key": "x"})


def test_one_field_under_two_names_is_refused() -> None:
    with pytest.raises(InvalidValue, match="given twice"):
        storage_options_for("s3", {"key": "a", "access_key": "b"})


def test_values_are_typed_on_construction() -> None:
    options = storage_options_for("s3", {"timeout_s": "2.5", "anon": "true"})
    assert isinstance(options, AwsStorageOptions)
    assert options.timeout_s == 2.5
    assert options.anon is True
    with pytest.raises(InvalidValue, match="timeout_s"):
        storage_options_for("s3", {"timeout_s": "soon"})


def test_a_secret_is_never_printed(caplog: pytest.LogCaptureFixture) -> None:
    options = storage_options_for("s3", {"key": "me", "secret": SECRET})
    shown = f"{options!r} {options!s} {options.model_dump()}"
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r", options, options)
    try:
        storage_options_for("s3", {"secret": [SECRET]})
    except InvalidValue as error:
        shown += "".join(traceback.format_exception(error))
    assert SECRET not in shown + caplog.text
    assert "***" in shown


def test_to_dict_goes_back_in() -> None:
    options = storage_options_for("s3", {"key": "me", "secret": SECRET, "endpoint": "http://127.0.0.1:1"})
    assert storage_options_for("s3", options.to_dict()) == options


@pytest.mark.parametrize(
    ("uri", "protocol"),
    [
        ("s3://b/k", "s3"), ("S3://b", "s3"), ("s3a://b", "s3"), ("/tmp", "file"), ("./x", "file"),
        ("file:///x", "file"), ("memory://x", "memory"), ("gs://b", "gs"), ("https://h/x", "https"),
    ],
)  # fmt: skip
def test_protocols(uri: str, protocol: str) -> None:
    assert infer_protocol_from_uri(uri) == protocol


def test_an_unknown_scheme_names_the_nearest_and_is_no_local_path() -> None:
    with pytest.raises(UnknownName, match="unknown scheme 's33'; did you mean 's3'"):
        parse_location("s33://bucket")


@pytest.mark.parametrize("text", ["", "s3://", "s3:///key", "a\0b"])
def test_what_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_location(text)


def test_a_password_in_a_url_is_not_shown() -> None:
    assert SECRET not in parse_location(f"sftp://me:{SECRET}@host/x").text
    with pytest.raises(UnknownName) as caught:
        parse_location(f"sftpp://me:{SECRET}@host/x")
    assert SECRET not in str(caught.value)


def test_an_endpoint_has_a_namespace_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert AwsStorageOptions().namespace() == "s3"
    assert AwsStorageOptions(endpoint_url="http://127.0.0.1:9000/").namespace() == "s3-127.0.0.1-9000"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://minio.example.com")
    assert AwsStorageOptions().namespace() == "s3-minio.example.com"


@pytest.mark.parametrize("header", [{"X-A": "one\r\nX-B: two"}, {"X-A": "one\ntwo"}, {"X A": "1"}, {"": "1"}])
def test_headers_that_would_be_two_are_refused(header: dict[str, str]) -> None:
    with pytest.raises(InvalidValue, match="headers"):
        from_dict("https", {"headers": header})


@pytest.mark.parametrize("text", ["AccountName=a;AcountKey=k", "AccountName=a;AccountKey=k;More=1", "AccountKey=k"])
def test_connection_strings_are_read_when_they_are_given(text: str) -> None:
    with pytest.raises(InvalidValue, match="connection_string"):
        from_dict("az", {"connection_string": text})
