"""Faults of the server and the network, tokens, redirects and certificates: over real connections."""

from __future__ import annotations

import os
import subprocess
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.errors import (
    AccessDenied,
    Corrupt,
    InvalidValue,
    NotFound,
    TimedOut,
    Unavailable,
    Unsupported,
)
from fsspeckit_lib.testing.forge import Fault, GitHubServer, GitLabServer, GitRepository, Project
from fsspeckit_lib.testing.ports import free_ports
from tests.fsspeckit_lib.core.forge.places import FILES, TOKEN, Forge, contents, everything, forge, info_of

_LIMITED = {"Retry-After": "0"}
_HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500),
        Fault("status", status=502, headers=_HTML, body=b"<html>bad gateway</html>"),
        Fault("status", status=503, headers={"Retry-After": "0"}),
        Fault("status", status=429, headers=_LIMITED),
        Fault("status", status=429, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "1"}),
        Fault("status", status=429, headers=_HTML, body=b"<html>Retry later</html>"),
        Fault("status", status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
        Fault("cut"),
        Fault("reset"),
        Fault("drip", seconds=0.2),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{len(fault.headers)}-{len(fault.body)}",
)
def test_what_passes_is_asked_again(either: Forge, fault: Fault) -> None:
    for path in ("commits", "tree", "graphql", "blobs"):
        either.server.faults.add(Fault(**{**_fields(fault), "path": path}))
    assert everything(either.open("@main")) == contents(FILES)


def test_a_fifth_of_all_answers_fails(either: Forge) -> None:
    faults = (
        Fault("status", status=500),
        Fault("status", status=429, headers=_LIMITED),
        Fault("status", status=429, headers=_HTML, body=b"<html/>"),
        Fault("cut"),
        Fault("reset"),
        Fault("stall", seconds=0.3),
    )
    either.server.faults.at_random(0.2, faults, seed=11)
    store = either.open("@main", max_retries=8)
    for _ in range(3):
        assert everything(store) == contents(FILES)


def test_a_stalled_answer_times_out_within_its_deadline(either: Forge) -> None:
    either.server.faults.add(Fault("stall", seconds=3, times=9))
    started = time.monotonic()
    with pytest.raises(TimedOut, match="did not answer"):
        either.open("@main", timeout_s=0.6, max_retries=9).check()
    assert time.monotonic() - started < 3  # the deadline is of the request with all its retries


def test_a_limit_that_ends_too_late_is_told_with_its_time(either: Forge) -> None:
    reset = str(int(time.time()) + 3600)
    header = "RateLimit" if either.protocol == "gitlab" else "X-RateLimit"
    headers = {f"{header}-Remaining": "0", f"{header}-Reset": reset, f"{header}-Limit": "60"}
    either.server.faults.add(Fault("status", status=429, headers=headers, times=99))
    with pytest.raises(Unavailable, match=r"rate limit is reached \(429\) until 20\d\d-.* UTC"):
        either.open("@main").check()
    assert either.server.count() == 1  # no second request before then


def test_a_limit_without_a_time_is_unavailable_after_the_retries(either: Forge) -> None:
    either.server.faults.add(Fault("status", status=429, headers=_HTML, body=b"<html/>", times=99))
    with pytest.raises(Unavailable, match="does not say until when"):
        either.open("@main", max_retries=2).check()
    assert either.server.count() == 3


def test_a_server_that_keeps_failing_is_unavailable_not_gone(either: Forge) -> None:
    either.server.faults.add(Fault("status", status=500, times=99))
    with pytest.raises(Unavailable, match="the server failed"):
        either.open("@main", max_retries=1).stat("README.md")


def test_a_body_that_is_always_cut_is_never_returned(either: Forge) -> None:
    store = either.open("@main", max_retries=1)
    info = info_of(store, "data/deep/er/x.bin")
    either.server.faults.add(Fault("cut", path="blobs", times=99))
    for start, stop in ((0, info.size_bytes), (5, 400_000)):
        with pytest.raises(Unavailable, match="cut its answer short"):
            store.read_range(info, start, stop)


def test_a_page_of_html_is_no_api(tmp_path: Path) -> None:
    with forge("gitlab", tmp_path) as found:
        page = Fault("status", status=200, headers=_HTML, body=b"<html>Sign in</html>", times=9)
        found.server.faults.add(page)
        with pytest.raises(Corrupt, match="no JSON"):
            found.open("@main").check()


def test_nobody_answers() -> None:
    (port,) = free_ports(1)
    store = open_store("gitlab://g/p", {"base_url": f"http://127.0.0.1:{port}", "max_retries": 1})
    with pytest.raises(Unavailable, match="cannot connect"):
        store.check()


def test_a_wrong_token_is_denied_without_showing_it(either: Forge) -> None:
    store = either.open("@main", token="wrong-secret-token")
    with pytest.raises(AccessDenied, match="does not accept the token") as caught:
        store.check()
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "wrong-secret-token" not in str(caught.value)
    assert "wrong-secret-token" not in repr(store)
    assert shown
    assert either.server.count() == 1


@pytest.mark.parametrize("protocol", ["gitlab", "github"])
def test_a_private_project(protocol: str, tmp_path: Path) -> None:
    with forge(protocol, tmp_path, private=True) as found:
        found.repository.commit(FILES)
        assert everything(found.open("@main")) == contents(FILES)
        without = {"base_url": found.server.url}
        store = open_store(f"{protocol}://{found.project.path}@main", without)
        with pytest.raises(NotFound, match=r"private: no token was given"):
            store.check()
        with pytest.raises(NotFound, match=r"private: no token was given"):
            store.stat("README.md")
        other = GitRepository.create(tmp_path / "other.git")
        found.server.projects.append(Project("someone/else", other, id=2, tokens={"stranger": "read"}))
        with pytest.raises(NotFound, match="the token may not see it"):
            found.open("@main", token="stranger").check()


def test_a_missing_ref_is_told_apart_from_a_missing_project(either: Forge) -> None:
    with pytest.raises(NotFound, match="no branch, tag or commit 'nope'"):
        either.open("@nope").check()
    with pytest.raises(NotFound, match="no such"):
        open_store(f"{either.protocol}://group/none@main", either.options()).check()


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        ({"token": TOKEN}, "private-token", TOKEN),
        ({"job_token": TOKEN}, "job-token", TOKEN),
        ({"oauth_token": TOKEN}, "authorization", f"Bearer {TOKEN}"),
    ],
)
def test_the_kinds_of_token_of_gitlab(options: dict[str, str], header: str, value: str, tmp_path: Path) -> None:
    with forge("gitlab", tmp_path, private=True) as found:
        pointer = found.project.add_lfs(b"large" * 100)
        found.repository.commit({**FILES, ".gitattributes": b"*.lfs filter=lfs\n", "x.lfs": pointer})
        plain = {**found.options(), **options}
        if "token" not in options:
            del plain["token"]
        store = open_store(f"gitlab://{found.project.path}@main", plain)
        assert bytes(store.get("README.md")[1]) == b"# hello\n"
        assert bytes(store.get("x.lfs")[1]) == b"large" * 100
        api = [seen for seen in found.server.requests if "/api/" in seen.path]
        assert {seen.headers.get(header) for seen in api} == {value}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[GitLabServer]:
    """A second server: another origin, as its port is another."""
    with GitLabServer.start(Project("x/y", GitRepository.create(tmp_path / "else.git"))) as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_takes_no_token_along(either: Forge, elsewhere: GitLabServer, status: int) -> None:
    store = either.open("@main")
    info = info_of(store, "README.md")
    answer = Fault("status", status=200, body=FILES["README.md"])  # type: ignore[arg-type]
    elsewhere.faults.add(answer)
    away = {"Location": f"{elsewhere.url}/signed?X-Signature=1", "Content-Length": "0"}
    either.server.faults.add(Fault("status", path="blobs", status=status, headers=away))
    assert bytes(store.read_range(info, 0, info.size_bytes)) == FILES["README.md"]
    (seen,) = elsewhere.requests
    assert TOKEN not in str(seen.headers)
    assert not {"authorization", "private-token", "job-token", "cookie"} & set(seen.headers)


def test_a_redirect_at_home_keeps_the_token(either: Forge) -> None:
    store = either.open("@main")
    info = info_of(store, "README.md")
    either.server.faults.add(Fault("status", path="blobs", status=302, headers={"Location": _blob(either, info.etag)}))
    assert bytes(store.read_range(info, 0, info.size_bytes)) == FILES["README.md"]
    assert TOKEN in str(either.server.requests[-1].headers)


def test_redirects_without_an_end_are_given_up(either: Forge) -> None:
    store = either.open("@main", max_retries=0)
    info = info_of(store, "README.md")
    headers = {"Location": _blob(either, info.etag)}
    either.server.faults.add(Fault("status", path="blobs", status=302, headers=headers, times=99))
    with pytest.raises(Unavailable, match="redirected more than"):
        store.read_range(info, 0, info.size_bytes)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-signed certificate of `localhost`, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.mark.parametrize(("starter", "protocol"), [(GitLabServer, "gitlab"), (GitHubServer, "github")])
def test_a_certificate_of_one_s_own(
    starter: type[GitLabServer | GitHubServer], protocol: str, certificate: tuple[str, str], tmp_path: Path
) -> None:
    repository = GitRepository.create(tmp_path / "tls.git")
    repository.commit({"a": b"1"})
    with starter.start(Project("g/p", repository), certificate=certificate, name="localhost") as server:
        url, base = f"{protocol}://g/p@main", {"base_url": server.url, "max_retries": 0}
        assert bytes(open_store(url, {**base, "ca_certificate": certificate[0]}).get("a")[1]) == b"1"
        assert bytes(open_store(url, {**base, "allow_invalid_certificates": True}).get("a")[1]) == b"1"
        with pytest.raises(Unsupported, match=r"certificate of localhost:\d+ is not trusted"):
            open_store(url, base).check()
        with pytest.raises(InvalidValue, match="ca_certificate"):
            open_store(url, {**base, "ca_certificate": str(tmp_path / "none.pem")}).check()


def test_an_instance_below_a_path(tmp_path: Path) -> None:
    repository = GitRepository.create(tmp_path / "sub.git")
    repository.commit(FILES)
    with GitLabServer.start(Project("g/p", repository), prefix="/tools/git") as server:
        store = open_store("gitlab://g/p@main", {"base_url": f"{server.url}/api/v4/"})
        assert {info.key for page in store.list_recursive("") for info in page} == set(FILES)
        assert store.namespace[0].endswith("-tools-git")


def test_a_child_after_a_fork_makes_its_own_connections(either: Forge) -> None:
    store = either.open("@main")
    assert bytes(store.get("README.md")[1]) == FILES["README.md"]
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads, here the servers'
        child = os.fork()
    if child == 0:
        try:
            os.write(writing, bytes(store.get("run.sh")[1]))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"#!/bin/sh\n"
    assert bytes(store.get("data/one.csv")[1]) == FILES["data/one.csv"]


def _fields(fault: Fault) -> dict[str, Any]:
    return {name: getattr(fault, name) for name in Fault.__dataclass_fields__}


def _blob(found: Forge, blob_id: str | None) -> str:
    if found.protocol == "github":
        return f"{found.server.url}/api/v3/repos/{found.project.path}/git/blobs/{blob_id}"
    name = found.project.path.replace("/", "%2F")
    return f"{found.server.url}/api/v4/projects/{name}/repository/blobs/{blob_id}/raw"
