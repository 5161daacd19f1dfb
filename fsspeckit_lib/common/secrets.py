"""Text that must not be shown: passwords, keys and tokens, masked as `***` wherever a value or URL is printed.

Pure. Storage options hold their secrets as pydantic `SecretStr`; what is left is text that people typed, and the local
variables of frames that a traceback with locals would print.
"""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from fsspeckit_lib.errors import BadInput

__all__ = ["forget_locals", "is_clone_token", "mask_url", "shielded"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_USER_INFO = re.compile(r"([^\s/:@'\"]*)://([^/\s]*)@")
_NO_USER = {"abfs", "abfss", "wasb", "wasbs", "github", "gitlab", "git"}
"""Schemes where the text before `@` is a container or a project, unless it is a token as git-clone(1) takes it."""
_GIT_TOKEN = re.compile(r"(?:gl[a-z]{2,6}-|gh[a-z]_|github_pat_)\S+")
"""Prefixes of the tokens of GitLab and GitHub."""
_SECRET_QUERY = re.compile(
    r"([?&](?:sig|signature|token|access_token|private_token|password|secret|key|x-(?:amz|goog)-[a-z-]+)=)[^&\s]+",
    re.I,
)


def mask_url(url: str) -> str:
    """Return `url` with its user information and secret query values replaced by `***`."""

    def masked(match: re.Match[str]) -> str:
        is_place = match.group(1).lower() in _NO_USER and not is_clone_token(
            match.group(1).lower(), match.group(2).partition("@")[0]
        )
        return match.group() if is_place else f"{match.group(1)}://***@"

    return _SECRET_QUERY.sub(r"\1***", _USER_INFO.sub(masked, url))


def is_clone_token(scheme: str, text: str) -> bool:
    """Tell whether the text before the first `@` of a repository's URL is a token: `user:token`, or with its prefix.

    `github://owner:repo@ref` is fsspec's form of a repository, so there the user must be one that stands for a token.
    """
    user, colon, token = text.partition(":")
    if "/" in text or not colon:
        return _GIT_TOKEN.fullmatch(text) is not None
    is_user = scheme == "gitlab" or user in {"x-access-token", "oauth2", "git"}
    return bool(user and token) and (is_user or _GIT_TOKEN.fullmatch(token) is not None)


def forget_locals(error: BaseException) -> None:
    """Empty the local variables of the finished frames that an error and its causes came through, and mask its URLs.

    Call it where the error is caught: a frame that still runs keeps its variables. The lines of the traceback stay.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        found = pending.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        traceback.clear_frames(found.__traceback__)
        masked = tuple(mask_url(part) if isinstance(part, str) else part for part in found.args)
        if masked != found.args:
            found.args = masked
        pending += [found.__cause__, found.__context__]


def shielded(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function's errors leave without the local variables of the frames they came through.

    Reporters that print local variables (`TracebackException(capture_locals=True)`, rich, Sentry) would show the
    arguments, and an argument may be a password: this library's own, or that of paramiko's `connect`. A BadInput leaves
    without the frames and the cause as well: its text says all there is to say.
    """

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except BadInput as error:
            problem: Exception = error.with_traceback(None)
            problem.__cause__ = problem.__context__ = None
        except Exception as error:  # noqa: BLE001 - raised again below, from a frame without arguments
            forget_locals(error)
            problem = error
        args, kwargs = (), {}  # type: ignore[assignment]  # this frame is the one that stays in the traceback
        raise problem

    return call
