"""StorageOptions and the functions beside it; plugins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest

import fsspeckit_lib.storage_options as room
from fsspeckit_lib.core.factory import filesystem
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import BadInput, InvalidValue, UnknownName, Unsupported
from fsspeckit_lib.service.settings import load_settings
from fsspeckit_lib.storage_options import (
    AwsStorageOptions,
    BaseStorageOptions,
    GenericStorageOptions,
    Location,
    MemoryStorageOptions,
    StorageOptions,
    from_dict,
    from_env,
    from_yaml,
    merge_storage_options,
    plugins,
    register_plugin,
    storage_options_for,
)


def test_every_way_gives_the_typed_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = AwsStorageOptions(access_key_id="a", region="r")
    wanted.to_yaml(tmp_path / "o.yaml")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_REGION", "r")
    for found in (
        StorageOptions.create(protocol="s3", key="a", region="r"),
        StorageOptions.create("S3A", access_key="a", aws_region="r"),
        StorageOptions.from_dict("s3", {"key": "a", "region": "r"}),
        StorageOptions.from_dict("s3", wanted.to_dict()),
        StorageOptions.from_env("s3"),
        StorageOptions.from_yaml(tmp_path / "o.yaml"),
        StorageOptions.merge({"protocol": "s3", "key": "a"}, {"region": "r"}),
        AwsStorageOptions.from_env(),
        wanted.storage_options,
    ):
        assert found == wanted
        assert isinstance(found, AwsStorageOptions)
    assert StorageOptions.from_uri("s3a://b/x") == AwsStorageOptions()
    StorageOptions.to_yaml(wanted, tmp_path / "p.yaml")
    assert from_yaml(tmp_path / "p.yaml") == wanted


@pytest.mark.parametrize(
    "protocol", ["s3", "gs", "az", "http", "https", "sftp", "ftp", "file", "memory", "webdav", "hf"]
)
def test_every_protocol_has_options_from_anywhere(protocol: str) -> None:
    for options in (from_dict(protocol, {}), from_env(protocol, {}), StorageOptions.create(protocol)):
        assert options.protocol == protocol
        assert storage_options_for(protocol, options.to_dict()) == options
    assert (type(from_dict(protocol, {})) is GenericStorageOptions) == (protocol in {"webdav", "hf"})


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown protocol 'gitlb'; did you mean 'gitlab'"):
        StorageOptions.create("gitlb")
    with pytest.raises(InvalidValue, match="found options of protocol 's3'"):
        from_dict("gs", {"protocol": "s3"})
    with pytest.raises(InvalidValue, match="found options of protocol 's3'"):
        storage_options_for("az", AwsStorageOptions())
    assert from_dict("https", {"protocol": "http"}).protocol == "https"


def test_merging() -> None:
    first = from_dict("s3", {"key": "a", "secret": "b", "timeout": 3})
    second = {"aws_access_key_id": "c", "region": "r"}
    assert merge_storage_options(first, None, second).to_dict() == {
        "protocol": "s3", "access_key_id": "c", "secret_access_key": "b", "timeout_s": 3.0, "region": "r",
    }  # fmt: skip
    assert merge_storage_options(first, second, overwrite=False).to_dict()["access_key_id"] == "a"
    assert merge_storage_options(second, first).to_dict()["access_key_id"] == "a"
    with pytest.raises(InvalidValue, match="found no protocol"):
        merge_storage_options(second)
    with pytest.raises(InvalidValue, match="found options of protocol 'gs'"):
        merge_storage_options(first, from_dict("gs", {}))
    with pytest.raises(UnknownName, match="'regin'"):
        merge_storage_options(first, {"regin": "r"})


def test_to_filesystem(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    fs = from_dict("file", {}).to_filesystem(str(tmp_path))
    assert fs.cat_file("a.txt") == b"x"
    memory = MemoryStorageOptions().to_filesystem()
    memory.pipe_file("/options-test/a", b"y")
    assert MemoryStorageOptions().to_filesystem("options-test").cat_file("a") == b"y"
    memory.rm("/options-test", recursive=True)


def test_what_fsspec_takes() -> None:
    options = from_dict("s3", {"key": "a", "secret": "b", "endpoint": "http://127.0.0.1:1", "verify": False})
    fs = fsspec.filesystem("s3", skip_instance_cache=True, **options.to_fsspec_kwargs())
    assert (fs.key, fs.secret, fs.endpoint_url) == ("a", "b", "http://127.0.0.1:1")
    assert fs.client_kwargs["verify"] is False
    assert GenericStorageOptions(protocol="webdav", options={"base_url": "x"}).to_fsspec_kwargs() == {"base_url": "x"}
    with pytest.raises(Unsupported, match="s3fs does not assume a role"):
        AwsStorageOptions(assume_role_arn="arn").to_fsspec_kwargs()


def test_all_names_are_exported() -> None:
    for name in room.__all__:
        assert getattr(room, name) is not None


class DriveStorageOptions(BaseStorageOptions):
    """A plugin: local folders under another name."""

    protocol: str = "testdrive"
    protocols: ClassVar[tuple[str, ...]] = ("testdrive",)
    root: str
    aliases: ClassVar[dict[str, str]] = {"folder": "root"}

    def to_store(self, location: Location) -> LocalObjects:
        """Return the folder of the place."""
        return LocalObjects(f"{self.root}/{location.path}")


@pytest.fixture
def forget_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    registered = dict(plugins._registered)
    yield
    plugins._registered.clear()
    plugins._registered.update(registered)
    plugins._entry_points.cache_clear()


@pytest.mark.usefixtures("forget_plugins")
def test_a_plugin_is_known_everywhere(tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        open_store("testdrive://x")
    register_plugin("testdrive", DriveStorageOptions)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a").write_text("data")
    options = {"folder": str(tmp_path)}
    assert [e.key for page in open_store("TestDrive://x", options).list_directory("") for e in page] == ["a"]
    assert isinstance(StorageOptions.create("testdrive", **options), DriveStorageOptions)
    from_dict("testdrive", options).to_yaml(tmp_path / "o.yaml")
    assert from_yaml(tmp_path / "o.yaml") == from_dict("testdrive", options)
    (tmp_path / "c.yaml").write_text(f"storages: {{d: {{protocol: testdrive, folder: {tmp_path}, path: x}}}}")
    store = load_settings(str(tmp_path / "c.yaml")).open_source("d", {})
    assert [e.key for page in store.list_directory("") for e in page] == ["a"]
    (tmp_path / "c.yaml").write_text(f"storages: {{d: {{protocol: testdrive, foldr: {tmp_path}}}}}")
    with pytest.raises(UnknownName, match="'foldr'; did you mean 'folder'"):
        load_settings(str(tmp_path / "c.yaml"))
    with pytest.raises(UnknownName, match="did you mean 'testdrive'"):
        open_store("testdriv://x")


def test_names_that_no_plugin_can_have() -> None:
    for name in ("s3", "GCS", "az", "with space", "", "1x"):
        with pytest.raises(BadInput, match=r"^plugin "):
            register_plugin(name, DriveStorageOptions)
    wrong: Any = dict
    with pytest.raises(BadInput, match="wanted a subclass"):
        register_plugin("testdrive", wrong)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget_plugins: None) -> None:
    """Two packages with entry points, one of them broken, as pip would lay them out."""
    for name, code in {
        "good_drive": "from tests.fsspeckit_lib.storage_options.test_facade import DriveStorageOptions as Options\n",
        "bad_drive": "raise RuntimeError('it was never finished')\n",
        "odd_drive": "Options = dict\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
        protocol = name.replace("_", "")
        (info / "entry_points.txt").write_text(f"[fsspeckit.storages]\n{protocol} = {name}:Options\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins._entry_points.cache_clear()


@pytest.mark.usefixtures("installed")
def test_installed_plugins_are_loaded_when_they_are_used() -> None:
    assert {"gooddrive", "baddrive"} <= plugins.plugin_names()
    assert "good_drive" not in sys.modules
    assert "bad_drive" not in sys.modules
    assert storage_options_for("s3") == AwsStorageOptions()
    assert plugins.plugin_class("gooddrive") is not None
    with pytest.raises(Unsupported, match=r"package 'bad-drive' cannot be loaded: RuntimeError: it was never finished"):
        storage_options_for("baddrive")
    with pytest.raises(Unsupported, match="package 'odd-drive' is no subclass"):
        storage_options_for("odddrive")
    assert EntryPoint("a", "b:c", plugins.GROUP).group == "fsspeckit.storages"


@pytest.mark.usefixtures("installed")
def test_a_broken_plugin_breaks_no_other_protocol(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="bad-drive"):
        filesystem("baddrive://x")
    assert filesystem(str(tmp_path)).exists("good_drive.py")
