"""docs/storage-options.md names every option, alias and variable that there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fsspeckit_lib.service.settings import Settings
from fsspeckit_lib.service.storages import check_storages
from fsspeckit_lib.storage_options import BaseStorageOptions
from tests.fsspeckit_lib.storage_options.test_names import OWN

TEXT = (Path(__file__).parents[3] / "docs" / "storage-options.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("cls", OWN)
def test_every_name_is_there(cls: type[BaseStorageOptions]) -> None:
    variables = [variable for some in cls.environment.values() for variable in some]
    names = [*cls.model_fields, *cls.aliases, *cls.rewrites, *variables]
    assert [name for name in names if f"`{name}" not in TEXT and name != "protocol"] == []


def test_the_example_of_storages_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    example = next(block for block in TEXT.split("```yaml\n") if block.startswith("storages:"))
    settings = Settings.model_validate(yaml.safe_load(example.partition("```")[0]))
    assert len(settings.storages) == 5
    check_storages(settings.storages, "the documentation")
