"""What GitLab's and GitHub's options have in common, and how a URL names a place in a repository.

Pure. `group/sub/project@ref/path`: the project ends at the first `@`, which begins the ref; the ref is one component,
percent-decoded (`@feature%2Flogin`), and the rest is the path inside the repository, taken literally. An empty ref
(`project@/path`) is the default branch. Where the options name the project, the URL may leave it out, and where they
name the ref it may be written with its slashes. No request is made to tell where anything ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field, field_validator

from fsspeckit_lib.errors import BadInput, InvalidValue
from fsspeckit_lib.storage_options.base import BaseStorageOptions, Secret, from_room_above

if TYPE_CHECKING:
    from fsspeckit_lib.storage_options.uri import Location

__all__ = [
    "RepositoryOptions",
    "RepositoryPlace",
    "common_aliases",
    "contradicting",
    "no_project",
    "read_ref",
    "same_host",
    "server_name",
    "split_key",
    "text_or_none",
    "web_url",
]

_REF_FORBIDDEN = frozenset(" ~^:?*[\\\x7f") | {chr(code) for code in range(32)}


class RepositoryOptions(BaseStorageOptions):
    """Options that every storage of Git repositories has."""

    ref: str | None = None
    """Branch, tag or commit; unset is the project's default branch. All 40 digits of a commit never change."""
    token: Secret | None = None
    write: bool = False
    """Allow changes: each is a commit on the branch `ref`."""
    lfs: bool = True
    """Show Git LFS files as what they stand for; False shows their pointer texts."""
    ca_certificate: str | None = None
    """File with the certificates to trust (PEM), for a server with a self-signed one."""
    allow_invalid_certificates: bool = False
    timeout_s: float = Field(default=60.0, gt=0)
    """Deadline of one request with its retries and waits; a file over 8 MiB gets one more for each further 8 MiB."""
    connect_timeout_s: float = Field(default=5.0, gt=0)
    max_retries: int = Field(default=4, ge=0)
    """Retries of one request on connection failures, cut answers, 429, spent rate limits and 5xx."""
    ref_ttl_s: float = Field(default=30.0, ge=0)
    """How long a branch is believed to point at the commit it pointed at."""
    author_name: str | None = None
    author_email: str | None = None
    commit_message: str | None = None
    """Message of the commits that single writes make; unset names the file."""

    @field_validator("ref")
    @classmethod
    def _check_ref(cls, ref: str | None) -> str | None:
        if ref is None:
            return None
        if not ref or _REF_FORBIDDEN & set(ref) or ref.startswith(("-", "/")) or ref.endswith("/") or ".." in ref:
            raise InvalidValue(f"{cls.__name__}: found ref {ref!r}, wanted a branch, a tag or a commit")
        return ref

    def place(self, path: str, text: str = "") -> RepositoryPlace:
        """Return what a URL's path names; `text` is what the person wrote."""
        raise NotImplementedError

    def to_store(self, location: Location) -> Any:
        """Return the data plane (`core.forge.ForgeObjects`) of a place in a repository. Makes no request."""
        open_it = from_room_above("core.forge", f"open_{self.protocol}")
        return open_it(self, self.place(location.path, location.text))

    def to_fsspec(self, location: Location) -> Any:
        """Return the fsspec filesystem of a place, rooted there."""
        return from_room_above("core.forge.filesystems", f"{self.protocol}_filesystem")(self, location)

    def to_fsspec_kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments of the forge's filesystem."""
        return {name: value for name, value in self.to_dict().items() if name != "protocol"}


_ALIASES: Mapping[str, str] = {
    "default_branch": "ref",
    "branch": "ref",
    "tag": "ref",
    "sha": "ref",
    "commit": "ref",
    "revision": "ref",
    "ssl_ca_certificate": "ca_certificate",
    "ca_cert": "ca_certificate",
    "timeout": "timeout_s",
}


def common_aliases(**more: str) -> Mapping[str, str]:
    """Return the aliases that both classes know, and `more`."""
    return {**_ALIASES, **more}


@dataclass(frozen=True, slots=True)
class RepositoryPlace:
    """A place in a repository.

    Attributes:
        project: its path (`group/sub/project`, `owner/repo`) or GitLab's number of it.
        ref: branch, tag or commit; None is the default branch.
        key: path inside the repository, without slashes around it; empty is the root.
    """

    project: str
    ref: str | None
    key: str

    @property
    def ref_name(self) -> str:
        """The ref as one component of a path: `feature/login` is `feature%2Flogin`, the default branch is `HEAD`."""
        return quote(self.ref, safe="") if self.ref is not None else "HEAD"

    def components(self) -> tuple[str, ...]:
        """Return what follows the instance in a store's namespace: project, `@ref`, and the path's components."""
        return (*self.project.split("/"), f"@{self.ref_name}", *(part for part in self.key.split("/") if part))

    def prefix(self, protocol: str) -> str:
        """Return the URL of the repository's root as a user types it: `gitlab://group/project@main`."""
        ref = quote(self.ref, safe="") if self.ref is not None else ""
        return f"{protocol}://{self.project}@{ref}" if ref else f"{protocol}://{self.project}"

    def url(self, protocol: str) -> str:
        """Return the URL of the place; an empty ref stands before a path where none is given."""
        if not self.key:
            return self.prefix(protocol)
        ref = quote(self.ref, safe="") if self.ref is not None else ""
        return f"{protocol}://{self.project}@{ref}/{self.key}"


def split_key(text: str) -> str:
    """Return a path without empty components around or inside."""
    return "/".join(part for part in text.split("/") if part)


def read_ref(rest: str, wanted: str | None, who: str) -> tuple[str | None, str]:
    """Split `ref/path`, the text after `@`, into the ref and the path.

    Args:
        wanted: the ref of the options; written out with its slashes it is recognised too.

    Raises:
        InvalidValue: the URL and the options name different refs.
    """
    if wanted is not None and (rest == wanted or rest.startswith(f"{wanted}/")):
        return wanted, split_key(rest[len(wanted) :])
    first, _, path = rest.partition("/")
    ref = unquote(first) or None
    if ref is not None and wanted is not None and ref != wanted:
        raise InvalidValue(f"{who}: the URL says ref {ref!r} and the options say {wanted!r}; give it once")
    return ref or wanted, split_key(path)


def contradicting(who: str, found: str, wanted: str) -> InvalidValue:
    """Return the error for a URL of one project with the options of another."""
    return InvalidValue(
        f"{who}: the URL names the project {found!r} and the options {wanted!r}; give it once, or write the project "
        f"first: {wanted}@/path"
    )


def web_url(value: str, who: str, *, strip: str = "") -> str:
    """Return a server's address with its scheme, without a trailing slash and without `strip` at the end.

    Raises:
        InvalidValue: not the URL of an HTTP server, or one with a user name, a query or a fragment in it.
    """
    text = value.strip()
    text = (text if "://" in text else f"https://{text}").rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise InvalidValue(
            f"{who}: found a base_url that is none, wanted one such as https://host or https://host/path"
        )
    return text.removesuffix(strip).rstrip("/")


def server_name(base_url: str) -> str:
    """Return host, port and path of a server as one component of a path: `git.example.com-8443-sub`."""
    parts = urlsplit(base_url)
    return (parts.netloc + parts.path.rstrip("/")).replace(":", "-").replace("/", "-")


def same_host(one: str | None, other: str | None) -> bool:
    """Tell whether two URLs are of one host and port."""
    return one is not None and other is not None and urlsplit(one).netloc.lower() == urlsplit(other).netloc.lower()


def no_project(who: str, wanted: str) -> BadInput:
    """Return the error for a URL without a project where the options have none either."""
    return BadInput(f"{who or 'storage'}: found no project, wanted {wanted}, or the option that names it")


def text_or_none(value: Any) -> Any:
    """Return a number as text: YAML reads `project: 42` as an int."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
