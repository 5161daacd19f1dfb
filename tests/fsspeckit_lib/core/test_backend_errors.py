"""The way in: every errno, every obstore error, every status the tables name, and nothing guessed as not found."""

from __future__ import annotations

import errno
import ftplib
import os

import obstore.exceptions
import paramiko  # type: ignore[import-untyped]
import pytest

from fsspeckit_lib import errors
from fsspeckit_lib.core import backend_errors
from fsspeckit_lib.core.backend_errors import translate, translated
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.ports import free_ports


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_errno_becomes_an_error_of_the_tree(number: int) -> None:
    error = translate(OSError(number, os.strerror(number)), "file:///x")
    assert isinstance(error, errors.GatewayError)
    assert str(error).startswith("file:///x: ")
    assert isinstance(error, errors.NotFound) == (number == errno.ENOENT)


def test_every_error_type_of_obstore_is_in_the_table_or_generic() -> None:
    names = {name for name in dir(obstore.exceptions) if name.endswith("Error")} - {"BaseError"}
    assert names - set(backend_errors._BY_OBSTORE_TYPE) == {"GenericError", "JoinError", "NotModifiedError"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Server returned non-2xx status code: 403 Forbidden", errors.AccessDenied),
        ("Server returned non-2xx status code: 404 Not Found: <Code>NoSuchBucket</Code>", errors.NotFound),
        ("Server returned non-2xx status code: 500 Internal", errors.Unavailable),
        ("Server returned non-2xx status code: 503 Slow: <Code>SlowDown</Code>", errors.Unavailable),
        ("Server returned non-2xx status code: 429 Too Many", errors.Unavailable),
        ("HTTP error: error sending request", errors.TransferBroken),
        ("HTTP error: error sending request, kind: Connect,", errors.Unavailable),
        ("HTTP error: operation timed out", errors.TimedOut),
        ("something new", errors.Unavailable),
    ],
)
def test_obstore_generic_errors_by_what_the_server_said(text: str, kind: type[errors.GatewayError]) -> None:
    error = translate(obstore.exceptions.GenericError(text), "s3://bucket/key")
    assert type(error) is kind
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (FileNotFoundError("x"), errors.NotFound),
        (PermissionError("x"), errors.AccessDenied),
        (FileExistsError("x"), errors.AlreadyExists),
        (ConnectionRefusedError("x"), errors.Unavailable),
        (EOFError(), errors.Unavailable),
        (paramiko.BadAuthenticationType("x", ["publickey"]), errors.AccessDenied),
        (paramiko.SSHException("x"), errors.Unavailable),
        (ftplib.error_perm("530 Login incorrect."), errors.AccessDenied),
        (ftplib.error_temp("421 Timeout."), errors.Unavailable),
        (OSError("the network is down"), errors.Unavailable),
        (TimeoutError(), errors.TimedOut),
        (NotImplementedError("append"), errors.Unsupported),
        (ImportError("install gcsfs"), errors.Unsupported),
        (MemoryError(), errors.ResourceExhausted),
        (KeyError("x"), errors.Internal),
        (ValueError("x"), errors.Internal),
    ],
)
def test_python_and_fsspec_errors(raised: Exception, kind: type[errors.GatewayError]) -> None:
    assert type(translate(raised, "x://y")) is kind


def test_botocore_codes() -> None:
    from botocore.exceptions import ClientError

    def of(code: str) -> errors.GatewayError:
        answer = {"Error": {"Code": code, "Message": "m"}}
        return translate(ClientError(answer, "GetObject"), "s3://b")  # type: ignore[no-untyped-call]

    assert type(of("NoSuchKey")) is errors.NotFound
    assert type(of("404")) is errors.NotFound
    assert type(of("AccessDenied")) is errors.AccessDenied
    assert type(of("SomethingNew")) is errors.Unavailable


def test_a_gateway_error_passes_unchanged_and_the_cause_is_kept() -> None:
    mine = errors.CacheStale("a", "b", "c")
    assert translate(mine, "x") is mine
    cause = OSError(errno.EIO, "I/O error")
    with pytest.raises(errors.Unavailable) as caught, translated("x"):
        raise cause
    assert caught.value.__cause__ is cause


def test_an_interrupt_is_not_translated() -> None:
    with pytest.raises(KeyboardInterrupt), translated("x"):
        raise KeyboardInterrupt


def test_a_secret_in_a_url_is_masked() -> None:
    assert "hunter2" not in str(translate(OSError("x"), "sftp://me:hunter2@host/x"))


def test_the_words_of_a_server_are_text_not_markup() -> None:
    error = OSError("<Error><Code>AccessDenied</Code><Message>key &#39;a&#39; &amp; &quot;b&quot;</Message></Error>")
    assert """key 'a' & "b" (AccessDenied)""" in str(translate(error, "s3://b"))


@pytest.mark.parametrize(("url", "endpoint"), [("s3://bucket", "http://127.0.0.1:9"), ("http://127.0.0.1:9/x", None)])
def test_a_dead_proxy_is_named(url: str, endpoint: str | None) -> None:
    (port,) = free_ports(1)
    options = {"proxy": f"http://127.0.0.1:{port}", "max_retries": 0}
    if endpoint is not None:
        options |= {"endpoint_url": endpoint, "key": "a", "secret": "b"}
    with pytest.raises(errors.Unavailable, match=f"127.0.0.1:{port}"):
        open_store(url, options).stat("a")
