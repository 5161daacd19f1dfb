"""The contract of storages on GitLab and GitHub, and what is different in a repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fsspeckit_lib.core.objects import ObjectInfo
from fsspeckit_lib.testing.contract import ContractPlace, WriteContract, fill
from tests.fsspeckit_lib.core.forge.places import forge


class _Repository(WriteContract):
    protocol = ""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[ContractPlace]:
        with forge(self.protocol, tmp_path) as found:
            found.repository.commit({"outside": b"not below the root"})
            store = found.open("@main/root", write=True)
            yield fill(ContractPlace(store, lambda key, data: found.repository.commit({f"root/{key}": data})))

    def test_a_replaced_version_is_stale_never_a_mixture(self, place: ContractPlace) -> None:
        """A repository keeps what it had: the old version is still read as it was, whole and in parts."""
        info = place.store.stat("a/one.csv")
        assert isinstance(info, ObjectInfo)
        place.put("a/one.csv", b"3,4\n" * 1000)
        assert bytes(place.store.read_range(info, 0, 4)) == b"1,2\n"
        assert bytes(place.store.read_range(info, 0, info.size_bytes)) == b"1,2\n" * 1000
        now = place.store.stat("a/one.csv")
        assert isinstance(now, ObjectInfo)
        assert now.version != info.version
        assert bytes(place.store.read_range(now, 0, 4)) == b"3,4\n"


class TestGitLab(_Repository):
    protocol = "gitlab"


class TestGitHub(_Repository):
    protocol = "github"
