"""A secret is shown nowhere: repr, str, format, logs, errors, tracebacks with locals, fsspec's own caches of text."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput, GatewayError
from fsspeckit_lib.storage_options import (
    AwsStorageOptions,
    StorageOptions,
    from_dict,
    from_env,
    merge_storage_options,
    storage_options_for,
    storage_options_from_uri,
)
from fsspeckit_lib.storage_options.uri import parse_location
from tests.fsspeckit_lib.storage_options.leaks import shown_with_locals

SECRET = "hunter2hunter2"
HOLDERS: list[tuple[str, dict[str, Any]]] = [
    ("s3", {"secret": SECRET, "token": SECRET, "proxy": f"http://me:{SECRET}@proxy"}),
    ("gs", {"token": SECRET}),
    ("gs", {"service_account_key": {"private_key": SECRET}}),
    ("az", {"account_key": SECRET, "sas_token": SECRET, "client_secret": SECRET}),
    ("az", {"connection_string": f"AccountName=a;AccountKey={SECRET}"}),
    ("https", {"headers": {"X-Token": SECRET}, "token": SECRET, "password": SECRET}),
    ("sftp", {"password": SECRET, "passphrase": SECRET}),
    ("ftp", {"password": SECRET}),
    ("gitlab", {"token": SECRET}),
    ("github", {"token": SECRET}),
    ("webdav", {"auth": ["me", SECRET]}),
]


@pytest.mark.parametrize(("protocol", "values"), HOLDERS)
def test_options_print_no_secret(caplog: pytest.LogCaptureFixture, protocol: str, values: dict[str, Any]) -> None:
    options = from_dict(protocol, values)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("%s %r", options, options)
        logging.getLogger("test").warning("options: %s", {"lake": options})
    dumped = "" if protocol == "webdav" else f"{options.model_dump()} {options.model_dump_json()}"
    shown = f"{options!r} {options!s} {options} {[options]} {dumped}"
    assert SECRET not in shown + caplog.text


@pytest.mark.parametrize(("protocol", "values"), HOLDERS)
def test_copies_keep_the_secret(protocol: str, values: dict[str, Any]) -> None:
    options = from_dict(protocol, values)
    for copied in (pickle.loads(pickle.dumps(options)), copy.copy(options), copy.deepcopy(options)):
        assert copied == options
        assert copied.to_dict() == options.to_dict()
    assert SECRET in str(options.to_dict())


def native(protocol: str, values: dict[str, Any], place: str = "b") -> Any:
    options: Any = from_dict(protocol, values)
    return options.to_obstore(place)


KEY = {"private_key": SECRET}
AWS: Any = AwsStorageOptions
WRONG: list[tuple[str, Callable[[], object]]] = [
    ("construct", lambda: AWS(secret=SECRET, secrt=SECRET)),
    ("value", lambda: AWS(secret=[SECRET])),
    ("number", lambda: AWS(secret=SECRET, timeout=SECRET)),
    ("twice", lambda: AWS(secret=SECRET, secret_key=SECRET + "x")),
    ("create", lambda: StorageOptions.create("s3", secret=SECRET, nothing=1)),
    ("protocol", lambda: StorageOptions.create("s33", secret=SECRET)),
    ("from_dict", lambda: from_dict("az", {"account_key": SECRET, "nothing": 1})),
    ("from_mapping", lambda: AwsStorageOptions.from_mapping("s3", {"secret": SECRET, "anon": SECRET})),
    ("merge", lambda: merge_storage_options({"protocol": "s3", "secret": SECRET}, {"nothing": SECRET})),
    ("storage_options_for", lambda: storage_options_for("gs", {"service_account_key": SECRET})),
    ("from_env", lambda: from_env("s3", {"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SKIP_SIGNATURE": SECRET})),
    ("uri", lambda: storage_options_from_uri(f"sftpp://me:{SECRET}@h/x")),
    ("location", lambda: parse_location(f"s3://key:{SECRET}@bucket/x")),
    ("open_store", lambda: open_store("s3://b", {"secret": SECRET, "nothing": 1})),
    ("filesystem", lambda: filesystem("s3://b", {"secret": SECRET, "nothing": 1})),
    ("half", lambda: native("s3", {"secret": SECRET})),
    ("endpoint", lambda: native("s3", {"key": "a", "secret": SECRET, "endpoint": "ftp://h"})),
    ("obstore", lambda: native("gs", {"service_account_key": KEY})),
    ("connection", lambda: native("az", {"connection_string": SECRET})),
    ("headers", lambda: native("https", {"token": SECRET, "username": SECRET}, "https://h")),
]


@pytest.mark.parametrize(("fail"), [fail for _, fail in WRONG], ids=[name for name, _ in WRONG])
def test_errors_and_their_tracebacks_show_no_secret(fail: Callable[[], object]) -> None:
    with pytest.raises(GatewayError) as caught:
        fail()
    assert isinstance(caught.value, BadInput)
    assert SECRET not in shown_with_locals(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


def test_pydantic_itself_shows_no_secret() -> None:
    adapter = TypeAdapter(dict[str, AwsStorageOptions])
    with pytest.raises((ValidationError, GatewayError)) as caught:
        adapter.validate_python({"lake": {"protocol": "s3", "secret": [SECRET]}})
    assert SECRET not in str(caught.value)


def test_a_store_prints_no_secret() -> None:
    s3 = native("s3", {"key": "a", "secret": SECRET})
    assert SECRET not in f"{s3!r} {s3.config} {s3.credential_provider!r}"
    http = native("https", {"username": "me", "password": SECRET}, "https://h/x")
    assert SECRET not in repr(http)
