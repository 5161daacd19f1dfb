"""Errors of the libraries below, translated into the tree of `fsspeckit_lib.errors`: the only way in.

One table per library: obstore (type, then the HTTP status and S3 code that its text carries), botocore (error code),
the operating system (errno), fsspec and Python itself (type). What no table knows becomes `Internal`, never a guess
that something is not there: a backend that is down is not a file that is gone.

Texts of backends are cut to their first line, and are of one line in the result. A URL's secrets are masked.
"""

from __future__ import annotations

import contextlib
import errno
import html
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from fsspeckit_lib.common.secrets import mask_url
from fsspeckit_lib.errors import (
    AccessDenied,
    AlreadyExists,
    Conflict,
    GatewayError,
    Internal,
    InvalidValue,
    IsADirectory,
    NotADirectory,
    NotFound,
    ReadOnly,
    ResourceExhausted,
    TimedOut,
    TransferBroken,
    Unavailable,
    Unsupported,
)

__all__ = ["translate", "translated"]

_BY_ERRNO: Mapping[int, type[GatewayError]] = {
    errno.ENOENT: NotFound,
    errno.EACCES: AccessDenied,
    errno.EPERM: AccessDenied,
    errno.EROFS: ReadOnly,
    errno.EEXIST: AlreadyExists,
    errno.ENOTEMPTY: AlreadyExists,
    errno.EISDIR: IsADirectory,
    errno.ENOTDIR: NotADirectory,
    errno.ENOSPC: ResourceExhausted,
    errno.EDQUOT: ResourceExhausted,
    errno.EMFILE: ResourceExhausted,
    errno.ENFILE: ResourceExhausted,
    errno.ENOMEM: ResourceExhausted,
    errno.ETIMEDOUT: TimedOut,
    errno.ENAMETOOLONG: InvalidValue,
    errno.EINVAL: InvalidValue,
    errno.ELOOP: InvalidValue,
    errno.ENOSYS: Unsupported,
    errno.EOPNOTSUPP: Unsupported,
    errno.EXDEV: Unsupported,
}
_BY_HTTP_STATUS: Mapping[int, type[GatewayError]] = {
    400: InvalidValue,
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    405: Unsupported,
    408: TimedOut,
    409: Conflict,
    412: Conflict,
    416: Conflict,
    429: Unavailable,
    501: Unsupported,
    504: TimedOut,
}
_BY_CODE: Mapping[str, type[GatewayError]] = {
    "NoSuchBucket": NotFound,
    "NoSuchKey": NotFound,
    "AccessDenied": AccessDenied,
    "InvalidAccessKeyId": AccessDenied,
    "SignatureDoesNotMatch": AccessDenied,
    "ExpiredToken": AccessDenied,
    "InvalidToken": AccessDenied,
    "AuthorizationHeaderMalformed": AccessDenied,
    "PreconditionFailed": Conflict,
    "BucketAlreadyExists": AlreadyExists,
    "BucketAlreadyOwnedByYou": AlreadyExists,
    "SlowDown": Unavailable,
    "ServiceUnavailable": Unavailable,
    "InternalError": Unavailable,
    "RequestTimeout": TimedOut,
    "PermanentRedirect": InvalidValue,
}
_BY_FTP_REPLY: Mapping[str, type[GatewayError]] = {
    "500": Unsupported,
    "502": Unsupported,
    "530": AccessDenied,
    "532": AccessDenied,
    "550": AccessDenied,
    "552": ResourceExhausted,
    "553": InvalidValue,
}
"""RFC 959, section 4.2.2. What is not there, fsspec says as FileNotFoundError."""
_BY_OBSTORE_TYPE: Mapping[str, type[GatewayError]] = {
    "AlreadyExistsError": AlreadyExists,
    "InvalidPathError": InvalidValue,
    "NotFoundError": NotFound,
    "NotSupportedError": Unsupported,
    "PermissionDeniedError": AccessDenied,
    "PreconditionError": Conflict,
    "UnauthenticatedError": AccessDenied,
    "UnknownConfigurationKeyError": InvalidValue,
}
_NO_CREDENTIALS = "169.254.169.254"
"""Where obstore asks for credentials, on a machine of AWS, when nobody gave it any."""
_REQUEST_URL = re.compile(r"Error performing \w+ (\w+://[^/\s]+)")
_CONNECTED_TO = re.compile(r'"tcp connect error",\s+(\[?[0-9a-f.:]+\]?:(\d+)),')
_POOL = re.compile(r"host='([^']+)', port=(\d+)")
"""What urllib3 tried to connect to: the proxy, where there is one."""
_NO_CONNECTION = {
    "Connection refused": "connection refused",
    "dns error": "the name is not known",
    "failed to lookup": "the name is not known",
    "timed out": "timed out",
    "certificate": "the certificate is not trusted",
}
_NOT_CONNECTED = ("kind: Connect,", "Connection refused", "dns error", "failed to lookup", "certificate")
_TIMED_OUT = ("kind: Timeout", "timed out", "TimedOut", "deadline has elapsed")
_STATUS = re.compile(r"status code: (\d{3})|returned (\d{3}) ")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]+)</Message>")
_ADVICE: Mapping[type[GatewayError], str] = {
    AccessDenied: "check the credentials and their permissions",
    NotFound: "check the spelling",
    Unavailable: "check that the endpoint is right and up; nothing was taken as deleted",
    TimedOut: "the storage did not answer in time; try again later",
    TransferBroken: "nothing of it was kept; try again",
    ResourceExhausted: "free space or raise the limit, then try again",
}


def translate(error: BaseException, who: str) -> GatewayError:
    """Return the gateway's error for one that a backend raised; `who` is the path or URL it was about.

    A GatewayError comes back unchanged. The caller raises the result `from error`.
    """
    if isinstance(error, GatewayError):
        return error
    kind = _classify(error)
    text = f"{mask_url(who)}: {_words(error)}"
    if kind in _ADVICE:
        text = f"{text}; {_ADVICE[kind]}"
    return kind(text)


@contextlib.contextmanager
def translated(who: str) -> Iterator[None]:
    """Run the block with every backend error translated. Rust panics (a BaseException of pyo3) are translated too."""
    try:
        yield
    except GatewayError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # KeyboardInterrupt, SystemExit, GeneratorExit
        raise translate(error, who) from error


def _classify(error: BaseException) -> type[GatewayError]:
    text = str(error)
    origin = type(error).__module__.partition(".")[0]
    if origin in {"obstore", "pyo3_runtime"} or "Debug source" in text:
        return _classify_obstore(error, text)
    code = _botocore_code(error)
    if code is not None:
        return _BY_CODE.get(code) or _BY_HTTP_STATUS.get(int(code) if code.isdigit() else 0, Unavailable)
    if isinstance(error, TimeoutError) or type(error).__name__ in {"FSTimeoutError", "ServerTimeoutError"}:
        return TimedOut
    if isinstance(error, ConnectionError | EOFError):  # paramiko and ftplib: the server closed the connection
        return Unavailable
    if origin == "ftplib":
        return _BY_FTP_REPLY.get(text[:3], Unavailable)
    if {kind.__name__ for kind in type(error).__mro__} & {"AuthenticationException", "BadHostKeyException"}:
        return AccessDenied  # paramiko's
    if isinstance(error, OSError):
        return _classify_os_error(error)
    if isinstance(error, NotImplementedError):
        return Unsupported
    if isinstance(error, ImportError):
        return Unsupported
    if isinstance(error, MemoryError):
        return ResourceExhausted
    if origin in {"aiohttp", "requests", "urllib3", "paramiko", "botocore", "aiobotocore"}:
        return Unavailable
    return Internal


def _classify_os_error(error: OSError) -> type[GatewayError]:
    if error.errno is not None:
        return _BY_ERRNO.get(error.errno, Unavailable)
    for python_type, kind in (
        (FileNotFoundError, NotFound),
        (PermissionError, AccessDenied),
        (FileExistsError, AlreadyExists),
        (IsADirectoryError, IsADirectory),
        (NotADirectoryError, NotADirectory),
    ):
        if isinstance(error, python_type):
            return kind
    return Unavailable  # fsspec backends wrap network failures into a bare OSError


def _classify_obstore(error: BaseException, text: str) -> type[GatewayError]:
    if isinstance(error, FileNotFoundError):
        return NotFound
    if _NO_CREDENTIALS in text:
        return AccessDenied
    by_type = _BY_OBSTORE_TYPE.get(type(error).__name__)
    if by_type is not None:
        return by_type
    code = _CODE.search(text)
    if code is not None and code.group(1) in _BY_CODE:
        return _BY_CODE[code.group(1)]
    status = _STATUS.search(text)
    if status is not None:
        return _BY_HTTP_STATUS.get(int(status.group(1) or status.group(2)), Unavailable)
    if "error decoding response body" in text or "HTTP error" in text or "error sending request" in text:
        if any(mark in text for mark in _TIMED_OUT):
            return TimedOut
        return Unavailable if any(mark in text for mark in _NOT_CONNECTED) else TransferBroken
    if "panicked" in text or type(error).__name__ == "PanicException":
        return Internal
    return Unavailable


def _botocore_code(error: BaseException) -> str | None:
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        inner = response.get("Error")
        if isinstance(inner, Mapping) and "Code" in inner:
            return str(inner["Code"])
    return None


def _words(error: BaseException) -> str:
    """Return the backend's own words in one short line: the server's message where there is one."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if _NO_CREDENTIALS in text:
        return "found no credentials, wanted access_key_id and secret_access_key (or AWS_*, or anon=true)"
    url = _REQUEST_URL.search(text)
    if url is not None and "error sending request" in text:
        reason = next((words for mark, words in _NO_CONNECTION.items() if mark in text), None)
        if reason is None:
            return f"{url.group(1)} broke the connection off before it answered"
        proxy = _proxy_on_the_way(url.group(1), text)
        return f"cannot connect to {f'the proxy {proxy}, to reach ' if proxy else ''}{url.group(1)}: {reason}"
    if type(error).__module__.startswith("urllib3"):
        reason = next((words for mark, words in _NO_CONNECTION.items() if mark in text), None)
        if reason is not None:
            tried = _POOL.search(text)
            return (
                f"cannot connect to {tried.group(1)}:{tried.group(2)}: {reason}"
                if tried
                else f"cannot connect: {reason}"
            )
    if "request or response body error" in text:
        slow = any(mark in text for mark in _TIMED_OUT)
        return "the answer stalled" if slow else "the connection ended before the whole answer had come"
    code, message = _CODE.search(text), _MESSAGE.search(text)
    if code is not None and message is not None:
        return f"{html.unescape(message.group(1)).strip().rstrip('.')} ({code.group(1)})"
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    for prefix in ("Generic S3 error: ", "Error performing list request: "):
        first = first.removeprefix(prefix)
    return mask_url(first[:300])


def _proxy_on_the_way(url: str, text: str) -> str | None:
    """Return the address that obstore tried, if it is none of the URL's: another port, or another number."""
    tried = _CONNECTED_TO.search(text)
    if tried is None:
        return None
    parts = urlsplit(url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    host = parts.hostname or ""
    is_number = host.replace(".", "").isdigit()
    if int(tried.group(2)) != port or (is_number and not tried.group(1).startswith(f"{host}:")):
        return tried.group(1)
    return None
