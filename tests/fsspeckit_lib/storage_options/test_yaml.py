"""Options in YAML files: mode, atomicity, references to variables that survive a round trip."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from fsspeckit_lib.errors import AccessDenied, BadInput, GatewayError, NotFound, UnknownName
from fsspeckit_lib.storage_options import (
    AwsStorageOptions,
    BaseStorageOptions,
    HttpStorageOptions,
    StorageOptions,
    from_dict,
    from_yaml,
    merge_storage_options,
    to_yaml,
)
from tests.fsspeckit_lib.storage_options.leaks import shown_with_locals

EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("s3", {"key": "a", "secret": "b", "endpoint": "http://h:1", "timeout": 3, "anon": False}),
    ("gs", {"token": {"type": "service_account", "private_key": "x\ny"}, "project": "p"}),
    ("az", {"connection_string": "AccountName=a;AccountKey=b=="}),
    ("https", {"headers": {"X-Token": "${not} $HOME"}, "username": "me", "password": "$${X} ${Y:-z} ${Z}"}),
    ("sftp", {"host": "h", "port": 22, "password": "yes"}),
    ("ftp", {"host": "h", "tls": True}),
    ("gitlab", {"base_url": "https://g.example.com", "project": "a/b", "token": "t"}),
    ("github", {"org": "o", "repo": "r", "token": "t"}),
    ("file", {}),
    ("memory", {}),
    ("webdav", {"base_url": "https://w", "auth": ["me", "${HOME}"]}),
]


@pytest.mark.parametrize(("protocol", "values"), EXAMPLES)
def test_round_trip(tmp_path: Path, protocol: str, values: dict[str, Any]) -> None:
    options = from_dict(protocol, values)
    path = tmp_path / "options.yaml"
    options.to_yaml(path)
    assert from_yaml(path) == options
    assert type(options).from_yaml(path) == options
    assert StorageOptions.from_yaml(str(path)) == options
    assert yaml.safe_load(path.read_text())["protocol"] == protocol


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    path.write_text("old")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        to_yaml(from_dict("s3", {"secret": "x"}), path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) in (["options.yaml", "home"], ["home", "options.yaml"])


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").touch()
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    to_yaml(from_dict("s3", {"region": "r"}), tmp_path / "link.yaml")
    assert (tmp_path / "link.yaml").is_symlink()
    assert "region: r" in (tmp_path / "real.yaml").read_text()


REFERENCES = """
protocol: s3
key: ${TEST_KEY}
secret_access_key: "prefix-${TEST_SECRET:-default}"
client_kwargs: {endpoint_url: "${TEST_ENDPOINT}", region_name: r1}
use_ssl: "${TEST_SSL:-false}"
timeout: ${TEST_TIMEOUT:-30}
"""


def test_references_are_resolved_and_written_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "k")
    monkeypatch.setenv("TEST_ENDPOINT", "http://127.0.0.1:1")
    (tmp_path / "a").write_text(REFERENCES)
    options = AwsStorageOptions.from_yaml(tmp_path / "a")
    assert options.to_dict() == {
        "protocol": "s3", "access_key_id": "k", "secret_access_key": "prefix-default",
        "endpoint_url": "http://127.0.0.1:1", "region": "r1", "allow_http": True, "timeout_s": 30.0,
    }  # fmt: skip
    options.to_yaml(tmp_path / "b")
    written = yaml.safe_load((tmp_path / "b").read_text())
    assert written == {
        "protocol": "s3", "access_key_id": "${TEST_KEY}", "secret_access_key": "prefix-${TEST_SECRET:-default}",
        "endpoint_url": "${TEST_ENDPOINT}", "region": "r1", "allow_http": True, "timeout_s": "${TEST_TIMEOUT:-30}",
    }  # fmt: skip
    monkeypatch.setenv("TEST_KEY", "k2")
    assert AwsStorageOptions.from_yaml(tmp_path / "b").access_key_id == "k2"
    merged = merge_storage_options(options, {"secret": "new", "region": "${literal}"})
    merged.to_yaml(tmp_path / "c")
    written = yaml.safe_load((tmp_path / "c").read_text())
    assert written["access_key_id"] == "${TEST_KEY}"
    assert written["secret_access_key"] == "new"
    assert from_yaml(tmp_path / "c").to_dict()["region"] == "${literal}"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("protocol: s3\nsecret: ${NOT_SET_ANYWHERE}", BadInput, "secret: ${NOT_SET_ANYWHERE} is not set"),
        ("protocol: https\nheaders: {A: '${NOT_SET_ANYWHERE}'}", BadInput, "headers: A: ${NOT_SET_ANYWHERE}"),
        ("protocol: s3\nsecrt: hunter2", UnknownName, "unknown option 'secrt'; did you mean 'secret'"),
        ("protocol: s33\nsecret: hunter2", UnknownName, "did you mean 's3'"),
        ("secret: hunter2", BadInput, "found no protocol"),
        ("secret: [hunter2", BadInput, "no valid YAML in line"),
        ("- hunter2", BadInput, "found no mapping"),
        ("!!python/object/apply:os.getcwd []", BadInput, "no valid YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, kind: type[GatewayError], words: str) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(text)
    with pytest.raises(kind) as caught:
        from_yaml(path)
    assert words in str(caught.value)
    assert "options.yaml" in str(caught.value)
    assert "hunter2" not in shown_with_locals(caught.value)


def test_a_file_of_another_class(tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    from_dict("gs", {}).to_yaml(path)
    with pytest.raises(BadInput, match="found protocol 'gs', wanted 's3'"):
        AwsStorageOptions.from_yaml(path)
    assert BaseStorageOptions.from_yaml(path) == from_dict("gs", {})
    path.write_text("region: r\n")
    assert AwsStorageOptions.from_yaml(path) == AwsStorageOptions(region="r")
    path.write_text("username: me\n")
    assert HttpStorageOptions.from_yaml(path).protocol == "https"


def test_files_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="options nowhere"):
        from_yaml("nowhere")
    with pytest.raises(NotFound):
        to_yaml(from_dict("s3", {}), tmp_path / "no" / "folder")
    (tmp_path / "folder").mkdir()
    with pytest.raises(AccessDenied):
        to_yaml(from_dict("s3", {}), tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["folder", "home"]
