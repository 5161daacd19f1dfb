"""Servers with a small repository: one for each test, of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.core.forge.trees import TREES
from tests.fsspeckit_lib.core.forge.places import FILES, Forge, forge


@pytest.fixture(autouse=True)
def no_trees_of_other_tests() -> None:
    """Trees are shared by the whole process; counted requests must not depend on other tests."""
    TREES.clear()


@pytest.fixture(autouse=True)
def no_tokens_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would answer for the tests."""
    for name in (
        "GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "CI_JOB_TOKEN", "GITLAB_URL", "CI_API_V4_URL", "CI_SERVER_URL",
        "GITLAB_HOST", "GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GITHUB_API_URL",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[Forge]:
    """A GitLab with FILES on `main`."""
    with forge("gitlab", tmp_path) as found:
        found.repository.commit(FILES)
        yield found


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Forge]:
    """A GitHub with FILES on `main`."""
    with forge("github", tmp_path) as found:
        found.repository.commit(FILES)
        yield found


@pytest.fixture(params=["gitlab", "github"])
def either(request: pytest.FixtureRequest) -> Forge:
    """Each of the two."""
    found: Forge = request.getfixturevalue(request.param)
    return found
