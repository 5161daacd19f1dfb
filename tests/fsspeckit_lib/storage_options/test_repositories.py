"""Options of GitLab and GitHub: names, environment, and what a URL and options say together."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from fsspeckit_lib.errors import BadInput, InvalidValue, UnknownName
from fsspeckit_lib.storage_options.github import GitHubStorageOptions
from fsspeckit_lib.storage_options.gitlab import GitLabStorageOptions
from fsspeckit_lib.storage_options.repositories import RepositoryPlace

GITLAB: Any = GitLabStorageOptions  # values here are texts, as in a configuration file; mypy would want Secrets
GITHUB: Any = GitHubStorageOptions
_VARIABLES = (
    "GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "CI_JOB_TOKEN", "GITLAB_URL", "CI_API_V4_URL", "CI_SERVER_URL",
    "GITLAB_HOST", "GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GITHUB_API_URL",
)  # fmt: skip


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("options", "path", "project", "ref", "key"),
    [
        ({}, "g/p", "g/p", None, ""),
        ({}, "g/p/", "g/p", None, ""),
        ({}, "g/s/t/p", "g/s/t/p", None, ""),
        ({}, "g/p@main", "g/p", "main", ""),
        ({}, "g/p@main/a/b.csv", "g/p", "main", "a/b.csv"),
        ({}, "g/s/p@v1.0//a//b/", "g/s/p", "v1.0", "a/b"),
        ({}, "g/p@feature%2Flogin/a", "g/p", "feature/login", "a"),
        ({}, "g/p@/a", "g/p", None, "a"),
        ({}, "g/p/-/a/b", "g/p", None, "a/b"),
        ({}, "g/p/-/a@b", "g/p", None, "a@b"),
        ({}, "g/p@main/x@2x.png", "g/p", "main", "x@2x.png"),
        ({}, "g/p@main/100%25", "g/p", "main", "100%25"),
        ({}, "42@main/a", "42", "main", "a"),
        ({}, "42/-/a", "42", None, "a"),
        ({"ref": "dev"}, "g/p", "g/p", "dev", ""),
        ({"ref": "dev"}, "g/p/-/a", "g/p", "dev", "a"),
        ({"ref": "dev"}, "g/p@/a", "g/p", "dev", "a"),
        ({"ref": "dev"}, "g/p@dev/a", "g/p", "dev", "a"),
        ({"ref": "feature/x"}, "g/p@feature/x/a", "g/p", "feature/x", "a"),
        ({"ref": "feature/x"}, "g/p@feature%2Fx/a", "g/p", "feature/x", "a"),
        ({"project": "g/p"}, "", "g/p", None, ""),
        ({"project": "g/p"}, "a/b", "g/p", None, "a/b"),
        ({"project": "g/p"}, "g/p", "g/p", None, ""),
        ({"project": "g/p"}, "g/p/a", "g/p", None, "a"),
        ({"project": "g/p"}, "g/p/-/a", "g/p", None, "a"),
        ({"project": "g/p"}, "g/p@main/a", "g/p", "main", "a"),
        ({"project": "g/p"}, "@types/x", "g/p", None, "@types/x"),
        ({"project": 42, "ref": "v1"}, "a", "42", "v1", "a"),
        ({"project_id": "42"}, "img/x@2.png", "42", None, "img/x@2.png"),
    ],
)
def test_places_of_gitlab(options: dict[str, Any], path: str, project: str, ref: str | None, key: str) -> None:
    place = GITLAB(**options).place(path)
    assert place == RepositoryPlace(project, ref, key)
    # what it prints names the same place again, without options
    if ref is not None or project != "42":
        assert GITLAB().place(place.url("gitlab").removeprefix("gitlab://")) == place


@pytest.mark.parametrize(
    ("options", "path", "words"),
    [
        ({}, "", "found no project"),
        ({}, "project", "found no project"),
        ({}, "@main/x", "found no project"),
        ({"project": "g/p"}, "other/q@main/x", "names the project 'other/q'"),
        ({"project": "g/p"}, "other/q/-/x", "names the project 'other/q'"),
        ({"ref": "dev"}, "g/p@main/x", "ref 'main' and the options say 'dev'"),
    ],
)
def test_what_gitlab_cannot_mean(options: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        GITLAB(**options).place(path)


@pytest.mark.parametrize(
    ("options", "path", "project", "ref", "key"),
    [
        ({}, "o/r", "o/r", None, ""),
        ({}, "o/r/a/b", "o/r", None, "a/b"),
        ({}, "o/r@main/a", "o/r", "main", "a"),
        ({}, "o/r@feature%2Fx/a", "o/r", "feature/x", "a"),
        ({}, "o/r@/a", "o/r", None, "a"),
        ({}, "o:r@main/a", "o/r", "main", "a"),
        ({}, "o:r", "o/r", None, ""),
        ({}, "o:r/a", "o/r", None, "a"),
        ({}, "o/r/icons@2x/a", "o/r", None, "icons@2x/a"),
        ({"org": "o", "repo": "r"}, "", "o/r", None, ""),
        ({"org": "o", "repo": "r"}, "a/b", "o/r", None, "a/b"),
        ({"org": "o", "repo": "r"}, "o/r@main/a", "o/r", "main", "a"),
        ({"repo": "o/r", "ref": "dev"}, "o:r/a", "o/r", "dev", "a"),
        ({"repository": "o/r", "sha": "dev"}, "a/@types", "o/r", "dev", "a/@types"),
        ({"ref": "feature/x"}, "o/r@feature/x/a", "o/r", "feature/x", "a"),
    ],
)
def test_places_of_github(options: dict[str, Any], path: str, project: str, ref: str | None, key: str) -> None:
    place = GITHUB(**options).place(path)
    assert place == RepositoryPlace(project, ref, key)
    assert GITHUB().place(place.url("github").removeprefix("github://")) == place


@pytest.mark.parametrize(
    ("options", "path", "words"),
    [
        ({}, "", "found no project"),
        ({}, "owner", "found no project"),
        ({}, "owner/", "found no project"),
        ({"repo": "o/r"}, "x:y@main", "names the project 'x/y'"),
        ({"repo": "o/r"}, "x/y@main/z", "names the project 'x/y'"),
        ({"ref": "dev"}, "o/r@main", "ref 'main' and the options say 'dev'"),
    ],
)
def test_what_github_cannot_mean(options: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        GITHUB(**options).place(path)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("default_branch", "ref"), ("branch", "ref"), ("tag", "ref"), ("sha", "ref"), ("commit", "ref"),
        ("url", "base_url"), ("host", "base_url"), ("api_url", "base_url"),
        ("project_id", "project"), ("project_name", "project"),
        ("private_token", "token"), ("access_token", "token"), ("ci_job_token", "job_token"),
        ("bearer_token", "oauth_token"), ("timeout", "timeout_s"),
    ],
)  # fmt: skip
def test_aliases_of_gitlab(name: str, field: str) -> None:
    value = {"base_url": "https://git.example.com", "project": "g/p", "timeout_s": 7.0}.get(field, "value")
    options = GITLAB(**{name: value})
    assert options.to_dict() == {"protocol": "gitlab", field: value}
    assert GITLAB(**options.to_dict()) == options


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="'project'"):
        GITLAB(projct="g/p")
    with pytest.raises(UnknownName, match="'token'"):
        GITHUB(tokn="x")


@pytest.mark.parametrize(
    "values",
    [
        {"project": "single"}, {"project": ""}, {"project": "g/p@main"}, {"ref": "a b"}, {"ref": ""}, {"ref": "a..b"},
        {"ref": "-x"}, {"base_url": "ftp://host"}, {"base_url": "https://user@host"}, {"base_url": "https://"},
        {"base_url": "https://host?x=1"}, {"timeout_s": 0}, {"max_retries": -1}, {"api_version": "v3"},
        {"token": "a", "job_token": "b"}, {"oauth_token": "a", "job_token": "b"}, {"protocol": "github"},
    ],
)  # fmt: skip
def test_values_that_gitlab_cannot_have(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        GITLAB(**values)


@pytest.mark.parametrize(
    "values", [{"org": "o"}, {"repo": "r"}, {"org": "x", "repo": "o/r"}, {"org": "a/b", "repo": "c"}]
)
def test_values_that_github_cannot_have(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        GITHUB(**values)


@pytest.mark.parametrize(
    ("given", "base_url", "namespace"),
    [
        (None, "https://gitlab.com", "gitlab"),
        ("https://gitlab.com/", "https://gitlab.com", "gitlab"),
        ("gitlab.example.com", "https://gitlab.example.com", "gitlab-gitlab.example.com"),
        ("https://host/git/", "https://host/git", "gitlab-host-git"),
        ("https://host:8443/api/v4", "https://host:8443", "gitlab-host-8443"),
        ("http://127.0.0.1:3000/sub/api/v4/", "http://127.0.0.1:3000/sub", "gitlab-127.0.0.1-3000-sub"),
    ],
)
def test_instances_of_gitlab(given: str | None, base_url: str, namespace: str) -> None:
    options = GITLAB(base_url=given)
    assert options.effective_base_url == base_url
    assert options.namespace() == namespace


@pytest.mark.parametrize(
    ("given", "api", "graphql", "namespace"),
    [
        (None, "https://api.github.com", "https://api.github.com/graphql", "github"),
        ("https://github.com", "https://api.github.com", "https://api.github.com/graphql", "github"),
        ("https://api.github.com", "https://api.github.com", "https://api.github.com/graphql", "github"),
        ("https://host", "https://host/api/v3", "https://host/api/graphql", "github-host"),
        ("https://host/api/v3/", "https://host/api/v3", "https://host/api/graphql", "github-host"),
        ("https://me.ghe.com", "https://api.me.ghe.com", "https://api.me.ghe.com/graphql", "github-me.ghe.com"),
        ("https://api.me.ghe.com", "https://api.me.ghe.com", "https://api.me.ghe.com/graphql", "github-me.ghe.com"),
    ],
)
def test_servers_of_github(given: str | None, api: str, graphql: str, namespace: str) -> None:
    options = GITHUB(api_url=given)
    assert (options.api_url, options.graphql_url, options.namespace()) == (api, graphql, namespace)


@pytest.mark.parametrize(
    ("environ", "options", "headers"),
    [
        ({}, {}, {}),
        ({"GITLAB_TOKEN": "t"}, {}, {"PRIVATE-TOKEN": "t"}),
        ({"GITLAB_ACCESS_TOKEN": "t"}, {}, {"PRIVATE-TOKEN": "t"}),
        ({"GITLAB_TOKEN": "t"}, {"token": "mine"}, {"PRIVATE-TOKEN": "mine"}),
        ({"GITLAB_TOKEN": "t"}, {"oauth_token": "o"}, {"Authorization": "Bearer o"}),
        ({"GITLAB_TOKEN": "t"}, {"job_token": "j"}, {"JOB-TOKEN": "j"}),
        ({"CI_JOB_TOKEN": "j", "CI_API_V4_URL": "https://h/api/v4"}, {}, {"JOB-TOKEN": "j"}),
        ({"CI_JOB_TOKEN": "j", "CI_SERVER_URL": "https://h"}, {"base_url": "https://h"}, {"JOB-TOKEN": "j"}),
        ({"CI_JOB_TOKEN": "j", "CI_SERVER_URL": "https://h"}, {"base_url": "https://other"}, {}),
        ({"CI_JOB_TOKEN": "j"}, {"base_url": "https://other"}, {}),
        ({"CI_JOB_TOKEN": "j", "CI_SERVER_URL": "https://h", "GITLAB_TOKEN": "t"}, {}, {"PRIVATE-TOKEN": "t"}),
    ],
)
def test_the_token_of_gitlab(
    environ: dict[str, str], options: dict[str, Any], headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert GITLAB(**options).auth_headers() == headers


@pytest.mark.parametrize(
    ("environ", "options", "token"),
    [
        ({}, {}, None),
        ({"GITHUB_TOKEN": "a"}, {}, "a"),
        ({"GITHUB_TOKEN": "a", "GH_TOKEN": "b"}, {}, "b"),
        ({"GITHUB_TOKEN": "a"}, {"token": "mine"}, "mine"),
        ({"GITHUB_TOKEN": "a"}, {"base_url": "https://host"}, None),
        ({"GITHUB_TOKEN": "a", "GITHUB_API_URL": "https://host/api/v3"}, {}, "a"),
        ({"GITHUB_TOKEN": "a", "GITHUB_API_URL": "https://host/api/v3"}, {"base_url": "https://host"}, "a"),
        ({"GITHUB_TOKEN": "a"}, {"base_url": "https://x.ghe.com"}, "a"),
        ({"GITHUB_TOKEN": "a", "GH_ENTERPRISE_TOKEN": "e"}, {"base_url": "https://host"}, "e"),
    ],
)
def test_the_token_of_github(
    environ: dict[str, str], options: dict[str, Any], token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    expected = {"Authorization": f"Bearer {token}"} if token else {}
    assert GITHUB(**options).auth_headers() == expected


def test_from_env_fixes_what_the_environment_says() -> None:
    found = GitLabStorageOptions.from_env({"CI_JOB_TOKEN": "j", "CI_API_V4_URL": "https://h/api/v4"})
    assert found.base_url == "https://h"
    assert found.job_token is not None
    assert found.auth_headers() == {"JOB-TOKEN": "j"}
    both = GitLabStorageOptions.from_env({"CI_JOB_TOKEN": "j", "CI_SERVER_URL": "https://h", "GITLAB_TOKEN": "t"})
    assert both.job_token is None
    assert both.auth_headers() == {"PRIVATE-TOKEN": "t"}
    assert GitHubStorageOptions.from_env({"GITHUB_TOKEN": "a"}).auth_headers() == {"Authorization": "Bearer a"}


def test_secrets_are_never_shown() -> None:
    for options in (
        GITLAB(token="s3cret-one"),
        GITLAB(job_token="s3cret-one"),
        GITHUB(token="s3cret-one"),
    ):
        assert "s3cret-one" not in f"{options!r} {options}"
        assert "***" in repr(options)
        assert "s3cret-one" in str(options.to_dict())
    with pytest.raises(InvalidValue) as caught:
        GITLAB(token="s3cret-one", job_token="s3cret-two")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "s3cret-two" not in str(caught.value)
    assert "s3cret-one" not in str(caught.value)
    assert shown
