"""Options of GitHub and GitHub Enterprise: which server, which repository, at which ref, with which token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.repositories import (
    RepositoryOptions,
    RepositoryPlace,
    common_aliases,
    contradicting,
    no_project,
    read_ref,
    same_host,
    server_name,
    split_key,
    web_url,
)

__all__ = ["GitHubStorageOptions"]

_PUBLIC = "https://github.com"
_PUBLIC_API = "https://api.github.com"
_WANTED = "github://OWNER/REPO@REF/PATH"


class GitHubStorageOptions(RepositoryOptions):
    """How to reach the files of a GitHub repository. What is not set comes from the environment, as `gh` reads it.

    The environment's GH_TOKEN or GITHUB_TOKEN goes to github.com, to ghe.com and to the server of GITHUB_API_URL; to
    any other server goes GH_ENTERPRISE_TOKEN or GITHUB_ENTERPRISE_TOKEN.
    """

    protocol: str = "github"
    base_url: str | None = None
    """The server (`https://git.example.com`) or its API (`https://git.example.com/api/v3`). Unset is github.com."""
    org: str | None = None
    """Owner of the repository: a user or an organisation."""
    repo: str | None = None
    """Name of the repository; `owner/name` gives `org` too."""

    protocols: ClassVar[tuple[str, ...]] = ("github",)
    aliases: ClassVar[Mapping[str, str]] = common_aliases(
        api_url="base_url",
        url="base_url",
        host="base_url",
        endpoint_url="base_url",
        endpoint="base_url",
        owner="org",
        organization="org",
        repository="repo",
        repo_name="repo",
        access_token="token",
        github_token="token",
    )
    environment: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "token": ("GH_TOKEN", "GITHUB_TOKEN"),
        "base_url": ("GITHUB_API_URL",),
    }

    @model_validator(mode="before")
    @classmethod
    def _split_full_name(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        repo_key = next((key for key in values if cls.aliases.get(key, key) == "repo"), None)
        full_name = values[repo_key].strip("/") if repo_key and isinstance(values[repo_key], str) else ""
        if "/" not in full_name:
            return values
        org, _, repo = full_name.partition("/")
        org_key = next((key for key in values if cls.aliases.get(key, key) == "org"), "org")
        if values.get(org_key) not in {None, org}:
            raise InvalidValue(
                f"GitHubStorageOptions: found org {values[org_key]!r} and repo {full_name!r}; give the owner once"
            )
        return {**values, org_key: org, repo_key: repo}

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        return None if value is None else _server_url(value)

    @field_validator("org", "repo")
    @classmethod
    def _check_name(cls, value: str | None) -> str | None:
        if value is not None and (not value or set(value) & set("/@: ")):
            raise InvalidValue(f"GitHubStorageOptions: found {value!r}, wanted the name of an owner or of a repository")
        return value

    @model_validator(mode="after")
    def _both_names(self) -> Self:
        if (self.org is None) != (self.repo is None):
            missing = "org" if self.org is None else "repo"
            raise InvalidValue(f"GitHubStorageOptions: found no {missing}, wanted org and repo, or neither")
        return self

    @property
    def effective_base_url(self) -> str:
        """The server set here, else the environment's, else github.com; never its API's address."""
        found = self.base_url or os.environ.get("GITHUB_API_URL")
        return _server_url(found) if found else _PUBLIC

    @property
    def api_url(self) -> str:
        """Where the REST API answers: `https://api.github.com`, `https://HOST/api/v3`, `https://api.NAME.ghe.com`."""
        base_url = self.effective_base_url
        if base_url == _PUBLIC:
            return _PUBLIC_API
        parts = urlsplit(base_url)
        return f"https://api.{parts.netloc}" if parts.netloc.endswith(".ghe.com") else f"{base_url}/api/v3"

    @property
    def graphql_url(self) -> str:
        """Where the GraphQL API answers."""
        api_url = self.api_url
        return f"{api_url.removesuffix('/v3')}/graphql"

    def auth_headers(self) -> dict[str, str]:
        """Return the header that carries the token in clear, or none: the token set here, else the environment's."""
        token = self.token.get_secret_value() if self.token is not None else self._environment_token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _environment_token(self) -> str | None:
        base_url = self.effective_base_url
        ours = base_url == _PUBLIC or urlsplit(base_url).netloc.endswith(".ghe.com")
        api = os.environ.get("GITHUB_API_URL")
        if ours or (api and same_host(base_url, _server_url(api))):
            names = ("GH_TOKEN", "GITHUB_TOKEN")
        else:
            names = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
        return next((os.environ[name] for name in names if os.environ.get(name)), None)

    def namespace(self) -> str:
        """Return `github`, or `github-HOST` for a server other than github.com."""
        base_url = self.effective_base_url
        return "github" if base_url == _PUBLIC else f"github-{server_name(base_url)}"

    def place(self, path: str, text: str = "") -> RepositoryPlace:
        """Return the repository, ref and path that a URL's text after `github://` and these options name together.

        `owner/repo@ref/path`, `owner/repo/path` and fsspec's `owner:repo@ref/path`; with the options `org` and `repo`
        a text that does not begin with that repository is a path inside it.

        Raises:
            BadInput: neither names a repository.
            InvalidValue: the two name different repositories or refs.
        """
        who = text or f"github://{path}"
        body = path.strip("/")
        owner, separator, rest = body.partition("/")
        if ":" in owner:
            owner, separator, rest = body.partition(":")
        if self.org is not None and self.repo is not None:
            project = f"{self.org}/{self.repo}"
            if owner == self.org and (rest == self.repo or rest.startswith((f"{self.repo}/", f"{self.repo}@"))):
                return self._place(project, rest[len(self.repo) :], who)
            name = rest.partition("/")[0]
            if separator == ":" or "@" in name[1:]:
                raise contradicting(who, f"{owner}/{name.partition('@')[0]}", project)
            return RepositoryPlace(project, self.ref, split_key(body))
        at, slash = rest.find("@"), rest.find("/")
        end = min((cut for cut in (at, slash) if cut >= 0), default=len(rest))
        if "@" in owner:
            raise no_project(f"github://***@{body.partition('@')[2]}", _WANTED)  # before the @ may be a token
        if not owner or not rest[:end]:
            raise no_project(who, _WANTED)
        return self._place(f"{owner}/{rest[:end]}", rest[end:], who)

    def _place(self, project: str, rest: str, who: str) -> RepositoryPlace:
        if rest.startswith("@"):
            ref, key = read_ref(rest[1:], self.ref, who)
            return RepositoryPlace(project, ref, key)
        return RepositoryPlace(project, self.ref, split_key(rest))


def _server_url(value: str) -> str:
    found = web_url(value, "GitHubStorageOptions", strip="/api/v3")
    parts = urlsplit(found)
    if parts.netloc.lower() in {"api.github.com", "github.com", "www.github.com"}:
        return _PUBLIC
    if parts.netloc.startswith("api.") and parts.netloc.endswith(".ghe.com"):
        return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"
    return found
