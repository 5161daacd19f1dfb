"""A storage that cannot be reached, or refuses, shows no secret: in no text, repr, log record or local variable."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import GatewayError
from fsspeckit_lib.testing.ports import free_ports
from tests.fsspeckit_lib.storage_options.leaks import shown_with_locals

SECRET = "hunter2hunter2"
QUICK = {"max_retries": "0", "timeout": "2s", "connect_timeout": "2s"}
DEAD = "http://127.0.0.1:{port}"
Case = tuple[str, dict[str, Any], dict[str, str]]
"""A URL, options and environment; `{port}` is one that nobody listens on."""

CASES: dict[str, Case] = {
    "s3 option": ("s3://bucket", {"key": "k", "secret": SECRET, "token": SECRET, "endpoint": DEAD, **QUICK}, {}),
    "s3 environment": (
        "s3://bucket",
        {"endpoint": DEAD, **QUICK},
        {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SECRET},
    ),
    "s3 proxy": ("s3://bucket", {"anon": "1", "proxy": f"http://me:{SECRET}@127.0.0.1:{{port}}", **QUICK}, {}),
    "gs option": ("gs://bucket", {"token": SECRET, "endpoint": DEAD, **QUICK}, {}),
    "az key": ("az://box", {"account_name": "a", "account_key": SECRET + "aa", "endpoint": DEAD + "/a", **QUICK}, {}),
    "az sas": ("az://box", {"account_name": "a", "sas_token": f"sv=1&sig={SECRET}", "endpoint": DEAD, **QUICK}, {}),
    "az environment": (
        "az://box",
        {"endpoint": DEAD, **QUICK},
        {"AZURE_STORAGE_ACCOUNT": "a", "AZURE_STORAGE_KEY": SECRET + "aa"},
    ),
    "http header": (DEAD + "/x", {"headers": {"X-Token": SECRET}, **QUICK}, {}),
    "http token": (DEAD + "/x", {"token": SECRET, **QUICK}, {}),
    "http password": (DEAD + "/x", {"username": "me", "password": SECRET, **QUICK}, {}),
    "http user information": (f"http://me:{SECRET}@127.0.0.1:{{port}}/x", QUICK, {}),
    "http signed": (f"{DEAD}/x?X-Amz-Signature={SECRET}&sig={SECRET}", QUICK, {}),
    "http proxy": ("http://example.invalid/x", {"proxy": f"http://me:{SECRET}@127.0.0.1:{{port}}", **QUICK}, {}),
    "sftp option": ("sftp://me@127.0.0.1:{port}/x", {"password": SECRET, "passphrase": SECRET}, {}),
    "sftp user information": (f"sftp://me:{SECRET}@127.0.0.1:{{port}}/x", {}, {}),
    "ftp option": ("ftp://me@127.0.0.1:{port}/x", {"password": SECRET}, {}),
    "ftp user information": (f"ftp://me:{SECRET}@127.0.0.1:{{port}}/x", {}, {}),
    "gitlab option": ("gitlab://g/p", {"token": SECRET, "base_url": DEAD, **QUICK}, {}),
    "gitlab environment": ("gitlab://g/p", {"base_url": DEAD, **QUICK}, {"GITLAB_TOKEN": SECRET}),
    "github option": ("github://o/r", {"token": SECRET, "base_url": DEAD, **QUICK}, {}),
    "unknown options": ("memory://x", {"password": SECRET, "nothing": SECRET}, {}),
    "another protocol": ("webdav://127.0.0.1:{port}/x", {"auth": ("me", SECRET)}, {}),
    "another protocol's user information": (f"smb://me:{SECRET}@127.0.0.1/x", {"password": SECRET}, {}),
}


def by_store(url: str, options: Mapping[str, Any]) -> None:
    store = open_store(url, options)
    with contextlib.suppress(NotImplementedError):
        store.check()
    list(store.list_directory("d"))


def by_stat(url: str, options: Mapping[str, Any]) -> None:
    open_store(url, options).stat("d/f")


def by_filesystem(url: str, options: Mapping[str, Any]) -> None:
    filesystem(url, options).cat_file("d/f")


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.mark.parametrize("act", [by_store, by_stat, by_filesystem])
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_failure_shows_no_secret(
    case: Case,
    act: Callable[[str, Mapping[str, Any]], None],
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url, options, environment = case
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    filled = {name: _filled(value, port) for name, value in options.items()}
    with caplog.at_level(logging.DEBUG), pytest.raises((GatewayError, OSError)) as caught:
        act(url.replace("{port}", str(port)), filled)
    shown = shown_with_locals(caught.value)
    assert SECRET not in shown, [line[:300] for line in shown.splitlines() if SECRET in line][:3]
    assert SECRET not in caplog.text


def _filled(value: Any, port: int) -> Any:
    return value.replace("{port}", str(port)) if isinstance(value, str) else value
