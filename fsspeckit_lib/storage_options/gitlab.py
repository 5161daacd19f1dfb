"""Options of GitLab: which instance, which project, at which ref, with which of the four kinds of token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import field_validator, model_validator

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.storage_options.base import Secret
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
    text_or_none,
    web_url,
)

__all__ = ["GitLabStorageOptions"]

_PUBLIC = "https://gitlab.com"
_WANTED = "gitlab://GROUP/PROJECT@REF/PATH"


class GitLabStorageOptions(RepositoryOptions):
    """How to reach the files of a GitLab project. What is not set comes from the environment, as GitLab's tools do.

    One kind of token at a time: `token` (personal, project or group access token), `job_token` (of a CI job) or
    `oauth_token`. A job token of the environment is only sent to the server that the CI job itself belongs to.
    """

    protocol: str = "gitlab"
    base_url: str | None = None
    """The instance, with its sub-path if it has one; `/api/v4` at its end is left out. Unset is gitlab.com."""
    project: str | None = None
    """Path with groups (`group/sub/project`), or its number."""
    api_version: Literal["v4"] = "v4"
    job_token: Secret | None = None
    oauth_token: Secret | None = None

    protocols: ClassVar[tuple[str, ...]] = ("gitlab",)
    aliases: ClassVar[Mapping[str, str]] = common_aliases(
        url="base_url",
        host="base_url",
        endpoint_url="base_url",
        endpoint="base_url",
        api_url="base_url",
        project_id="project",
        project_name="project",
        private_token="token",
        access_token="token",
        personal_access_token="token",
        project_token="token",
        group_token="token",
        ci_job_token="job_token",
        bearer_token="oauth_token",
    )
    environment: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "token": ("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN"),
        "job_token": ("CI_JOB_TOKEN",),
        "base_url": ("GITLAB_URL", "CI_API_V4_URL", "CI_SERVER_URL", "GITLAB_HOST"),
    }

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        return None if value is None else web_url(value, "GitLabStorageOptions", strip="/api/v4")

    @field_validator("project", mode="before")
    @classmethod
    def _check_project(cls, value: Any) -> Any:
        value = text_or_none(value)
        if not isinstance(value, str):
            return value
        path = split_key(value)
        if not path or "@" in path or not (path.isdigit() or "/" in path):
            raise InvalidValue(
                f"GitLabStorageOptions: found project {value!r}, wanted its path with the group (group/project) "
                "or its number"
            )
        return path

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        given = [name for name in ("token", "job_token", "oauth_token") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InvalidValue(f"GitLabStorageOptions: found {' and '.join(given)}, wanted one kind of token")
        return self

    @classmethod
    def _environment_values(cls, environ: Mapping[str, str]) -> dict[str, Any]:
        found = super()._environment_values(environ)
        if "token" in found or not same_host(found.get("base_url", _PUBLIC), _ci_server(environ)):
            found.pop("job_token", None)
        return found

    @property
    def effective_base_url(self) -> str:
        """The instance set here, else the environment's, else gitlab.com."""
        if self.base_url is not None:
            return self.base_url
        found = self._environment_values(os.environ).get("base_url")
        return web_url(found, "GitLabStorageOptions", strip="/api/v4") if found else _PUBLIC

    def auth_headers(self) -> dict[str, str]:
        """Return the header that carries the token in clear, or none: the token set here, else the environment's."""
        secret = self.token or self.job_token or self.oauth_token
        if secret is None:
            found = super()._environment_values(os.environ)
            if "token" in found:
                return {"PRIVATE-TOKEN": found["token"]}
            if "job_token" in found and same_host(self.effective_base_url, _ci_server(os.environ)):
                return {"JOB-TOKEN": found["job_token"]}
            return {}
        if self.oauth_token is not None:
            return {"Authorization": f"Bearer {secret.get_secret_value()}"}
        return {"JOB-TOKEN" if self.job_token is not None else "PRIVATE-TOKEN": secret.get_secret_value()}

    def namespace(self) -> str:
        """Return `gitlab`, or `gitlab-HOST-PORT-SUBPATH` for an instance other than gitlab.com."""
        base_url = self.effective_base_url
        return "gitlab" if base_url == _PUBLIC else f"gitlab-{server_name(base_url)}"

    def place(self, path: str, text: str = "") -> RepositoryPlace:
        """Return the project, ref and path that a URL's text after `gitlab://` and these options name together.

        The project is the text before the first component's `@`, or before `/-/`, or all of it; with the option
        `project` a text that does not begin with that project is a path inside it.

        Raises:
            BadInput: neither names a project.
            InvalidValue: the two name different projects or refs.
        """
        who = text or f"gitlab://{path}"
        body = path.strip("/")
        if self.project is not None:
            if body == self.project or body.startswith((f"{self.project}/", f"{self.project}@")):
                rest = body[len(self.project) :]
                if rest.startswith("@"):
                    ref, key = read_ref(rest[1:], self.ref, who)
                    return RepositoryPlace(self.project, ref, key)
                return RepositoryPlace(self.project, self.ref, split_key(rest.removeprefix("/-/")))
            if "/-/" in body:
                raise contradicting(who, body.partition("/-/")[0], self.project)
            if _project_before_at(body) is not None and not self.project.isdigit():
                raise contradicting(who, body.partition("@")[0], self.project)
            return RepositoryPlace(self.project, self.ref, split_key(body))
        project = _project_before_at(body)
        if project is not None:
            ref, key = read_ref(body[len(project) + 1 :], self.ref, who)
            return RepositoryPlace(split_key(project), ref, key)
        project, _, key = body.partition("/-/")
        project = split_key(project)
        if "@" in project:
            raise no_project(f"gitlab://***@{project.partition('@')[2]}", _WANTED)  # before the @ may be a token
        if not (project.isdigit() or "/" in project):
            raise no_project(who, _WANTED)
        return RepositoryPlace(project, self.ref, split_key(key))


def _project_before_at(body: str) -> str | None:
    """Return the text before the first `@` that ends a project's name, or None: `g/p@main/x` has one, `g/@x` none."""
    before, at, _ = body.partition("@")
    if not at or "/-/" in before or before.endswith("/") or not (before.isdigit() or "/" in before):
        return None
    return before


def _ci_server(environ: Mapping[str, str]) -> str | None:
    return environ.get("CI_API_V4_URL") or environ.get("CI_SERVER_URL")
