"""HTTP to one forge: a pool of connections, retries within one deadline, and a token that never leaves its host.

The thin shell over urllib3: whatever else this room does, its bytes pass through `ForgeHttp.request`. Answers are read
whole, or up to the bytes that were wanted, and are checked against the length the server announced: an answer that was
cut is asked for again, never returned. Redirects are followed here, so that the token goes to no other host, not to
another port and not from https to http.

A pool belongs to the process that made it: after a fork the child makes its own.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    IncompleteRead,
    InsecureRequestWarning,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from fsspeckit_lib.common.secrets import shielded
from fsspeckit_lib.core.forge.limits import ForgeRetry, limit_words
from fsspeckit_lib.errors import (
    AccessDenied,
    Conflict,
    Corrupt,
    GatewayError,
    InvalidValue,
    NotFound,
    OutcomeUnknown,
    TimedOut,
    Unavailable,
    Unsupported,
)

__all__ = ["Answer", "ForgeHttp", "HttpConfig", "StatusRefused"]

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20
_FREE_BYTES = 8 << 20
"""What fits into the deadline of one request; each further 8 MiB get another one."""
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_JSON_BYTES = 1 << 30
_MAX_WORDS_BYTES = 64 << 10
_TOO_LARGE = re.compile(r"too.large|up to \d+ MB", re.I)


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """How to talk to one server.

    Attributes:
        headers: sent to `base_url`'s own host only; they carry the token.
        has_token: whether they do, for the words of a refusal.
        connections: kept open and used at once, at most.
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    has_token: bool
    timeout_s: float
    connect_timeout_s: float
    max_retries: int
    ca_certificate: str | None
    allow_invalid_certificates: bool
    connections: int = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. `body` is whole, or cut at the bytes the caller wanted; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            Corrupt: it is none: a proxy's page, or another kind of server.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            kind = self.headers.get("content-type", "no content type")
            raise Corrupt(
                f"{_shown(self.url)}: found an answer that is no JSON ({kind}), wanted the forge's REST API; "
                "check base_url, and whether a proxy or a login page stands in between"
            ) from None


class StatusRefused(GatewayError):
    """An answer with a status that only the caller can judge (400, 409, 422): its number and the server's words."""

    kind = "status-refused"

    def __init__(self, who: str, status: int, words: str) -> None:
        super().__init__(who, status, words)
        self.who, self.status, self.words = who, status, words

    def __str__(self) -> str:
        return f"{self.who}: refused ({self.status}): {self.words}"


class _CutBody(HTTPError):
    """Fewer bytes came than were announced."""


class ForgeHttp:
    """Requests to one server, from any thread."""

    def __init__(
        self,
        config: HttpConfig,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._pool: urllib3.PoolManager | None = None
        self._pool_pid = 0

    @property
    def config(self) -> HttpConfig:
        """What it was made with."""
        return self._config

    @shielded
    def request(
        self,
        method: str,
        url: str,
        who: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        own_token: bool = True,
        changes: bool = False,
        at_most_bytes: int | None = None,
        expected_bytes: int = 0,
        sink: Callable[[bytes], None] | None = None,
        on_restart: Callable[[], None] | None = None,
        accept: tuple[int, ...] = (),
    ) -> Answer:
        """Send one request until it is answered, and return the answer if its status is 2xx, 304 or in `accept`.

        Args:
            who: what it is about, for errors: `gitlab://group/project@main/file`.
            own_token: send the configured headers; False for addresses that carry their own (LFS objects).
            changes: it changes something: a reply that was lost is OutcomeUnknown, and only a refusal is retried.
            at_most_bytes: stop reading the body after that many; the connection is dropped.
            expected_bytes: size of the body as far as known: a large one gets a longer deadline.
            sink: takes the body piece by piece; `body` is then empty. `on_restart` is called before it starts again.

        Raises:
            AccessDenied, NotFound, Unavailable, TimedOut, OutcomeUnknown: what the server said, or that it did not.
            StatusRefused: 400, 409, 412, 413, 422: the caller knows what they mean.
        """
        deadline = self._clock() + self._config.timeout_s * (1 + max(0, expected_bytes) // _FREE_BYTES)
        retry = ForgeRetry.of(self._config.max_retries)
        while True:
            started = False
            try:
                answer, started = self._follow(
                    method, url, headers, body, own_token, deadline, at_most_bytes, sink, changes
                )
            except HTTPError as error:
                failure = self._failure(error, who, url, changes)
                if isinstance(failure, OutcomeUnknown | InvalidValue | Unsupported) or not retry.is_left():
                    raise failure from error
                wait_s = retry.backoff_s()
                started = True
            else:
                if answer.status < 300 or answer.status == 304 or answer.status in accept:
                    return answer
                failure = self._refusal(answer, who, changes)
                if not isinstance(failure, Unavailable) or not retry.is_left():
                    raise failure
                wait_s = retry.wait_s(answer.status, answer.headers)
            if self._clock() + wait_s >= deadline:
                if isinstance(failure, TimedOut | Unavailable):
                    raise failure
                raise TimedOut(f"{who}: no answer within {self._config.timeout_s:g} s; try again later") from failure
            _log.debug("%s: %s; again in %.1f s", who, failure, wait_s)
            retry = retry.next()
            self._sleep(wait_s)
            if started and on_restart is not None:
                on_restart()

    def close(self) -> None:
        """Close the connections of this process."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None and self._pool_pid == os.getpid():
            pool.clear()

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        own_token: bool,
        deadline: float,
        at_most_bytes: int | None,
        sink: Callable[[bytes], None] | None,
        changes: bool,
    ) -> tuple[Answer, bool]:
        """Send one request and follow its redirects; return the answer and whether the sink has seen bytes."""
        home = _origin(self._config.base_url)
        extra = dict(headers or {})
        for _ in range(_MAX_REDIRECTS + 1):
            ours = self._config.headers if own_token and _origin(url) == home else {}
            sent = {"User-Agent": "fsspeckit-gateway", "Accept-Encoding": "identity", **ours, **extra}
            response = self._pool_of_this_process().urlopen(
                method,
                url,
                body=body,
                headers=sent,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout(deadline, changes),
            )
            location = response.headers.get("Location")
            if response.status in _REDIRECTS and location is not None and method in {"GET", "HEAD"}:
                response.drain_conn()
                target = urljoin(url, location)
                if urlsplit(target).scheme not in {"http", "https"}:
                    raise HTTPError("redirected to something that is no web address")
                if _origin(target) != _origin(url):
                    # what was said to one host is not said to another: neither the token nor what an action carries
                    extra = {name: value for name, value in extra.items() if name.lower() in {"range", "accept"}}
                    if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
                        raise HTTPError("redirected from https to http")
                url = target
                continue
            return self._read(method, response, url, deadline, at_most_bytes, sink)
        raise HTTPError(f"redirected more than {_MAX_REDIRECTS} times")

    def _read(
        self,
        method: str,
        response: urllib3.BaseHTTPResponse,
        url: str,
        deadline: float,
        at_most_bytes: int | None,
        sink: Callable[[bytes], None] | None,
    ) -> tuple[Answer, bool]:
        found = {name.lower(): value for name, value in response.headers.items()}
        refused = response.status >= 400
        limit = _MAX_WORDS_BYTES if refused else at_most_bytes if at_most_bytes is not None else None
        pieces: list[bytes] = []
        count = 0
        whole = False
        try:
            while limit is None or count < limit:
                if self._clock() > deadline:
                    raise ReadTimeoutError(None, url, "the answer did not end in time")  # type: ignore[arg-type]
                wanted = _CHUNK_BYTES if limit is None else min(_CHUNK_BYTES, limit - count)
                piece = response.read(wanted, decode_content=False)
                if not piece:
                    whole = True
                    break
                count += len(piece)
                if sink is not None and not refused:
                    sink(piece)
                else:
                    pieces.append(piece)
                    if limit is None and count > _MAX_JSON_BYTES:
                        raise HTTPError("an answer of more than 1 GiB")
            announced = found.get("content-length", "")
            has_body = method != "HEAD" and response.status != 304
            if whole and has_body and announced.isdigit() and count != int(announced):
                raise _CutBody(f"{count} of {announced} bytes came")
            if whole:
                response.release_conn()
            else:
                response.close()
        except BaseException:
            response.close()
            raise
        return Answer(response.status, found, b"".join(pieces), url), count > 0

    def _timeout(self, deadline: float, changes: bool) -> urllib3.Timeout:
        left = max(0.001, deadline - self._clock())
        # half of it, so that a stalled answer leaves time to ask again; a change is never asked for twice
        read = self._config.timeout_s if changes else self._config.timeout_s / 2
        return urllib3.Timeout(connect=min(self._config.connect_timeout_s, left), read=min(read, left))

    def _pool_of_this_process(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None or self._pool_pid != os.getpid():
                self._pool = self._new_pool()
                self._pool_pid = os.getpid()
            return self._pool

    def _new_pool(self) -> urllib3.PoolManager:
        context = ssl.create_default_context()
        if self._config.ca_certificate is not None:
            try:
                context.load_verify_locations(self._config.ca_certificate)
            except (OSError, ssl.SSLError) as error:
                raise InvalidValue(
                    f"{self._config.name}: ca_certificate {self._config.ca_certificate!r} cannot be read: {error}; "
                    "wanted a file of certificates (PEM)"
                ) from error
        if self._config.allow_invalid_certificates:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            urllib3.disable_warnings(InsecureRequestWarning)  # once for each request would say nothing new
        return urllib3.PoolManager(
            num_pools=4, maxsize=self._config.connections, block=True, ssl_context=context, retries=False
        )

    def _failure(self, error: HTTPError, who: str, url: str, changes: bool) -> GatewayError:
        """Return the error of a request that got no usable answer."""
        host = urlsplit(url).netloc
        cause = error.__cause__ or error
        reason = getattr(error, "reason", None)
        if isinstance(error, SSLError) or isinstance(reason, SSLError):
            return Unsupported(
                f"{who}: the certificate of {host} is not trusted ({_first(reason or error)}); give its CA as "
                "ca_certificate"
            )
        if isinstance(error, NameResolutionError):
            return Unavailable(f"{who}: cannot connect to {host}: the name is not known; check base_url")
        if isinstance(error, ConnectTimeoutError):
            return TimedOut(f"{who}: cannot connect to {host}: timed out; check base_url and that it is up")
        if isinstance(error, NewConnectionError):
            return Unavailable(f"{who}: cannot connect to {host}: {_first(cause)}; check base_url and that it is up")
        if changes:
            return OutcomeUnknown(
                f"{who}: {host} did not answer a change ({_first(error)}), which may have been made or not; look at "
                "the branch before doing it again"
            )
        if isinstance(error, ReadTimeoutError):
            return TimedOut(f"{who}: {host} did not answer within {self._config.timeout_s:g} s; try again later")
        if isinstance(error, _CutBody | IncompleteRead) or isinstance(cause, http.client.IncompleteRead):
            return Unavailable(f"{who}: {host} cut its answer short ({_first(error)}); nothing of it was kept")
        return Unavailable(f"{who}: {host} gave no answer: {_first(error)}; try again later")

    def _refusal(self, answer: Answer, who: str, changes: bool) -> GatewayError:
        """Return the error that a status means."""
        status, words = answer.status, _words(answer)
        limited = limit_words(status, answer.headers, words)
        if limited is not None:
            return Unavailable(f"{who}: {limited}")
        if status == 401:
            return AccessDenied(
                f"{who}: the server does not accept the token ({words}); check that it is right, not expired, and of "
                "the kind it is given as"
                if self._config.has_token
                else f"{who}: the server wants a token ({words}); give one that may read the project"
            )
        if status == 403 and _TOO_LARGE.search(words):
            return Unsupported(f"{who}: {words}; use a clone of the repository, or keep the file in Git LFS")
        if status in {403, 451}:
            return AccessDenied(f"{who}: refused ({status}): {words}; check the token's scopes and its role")
        if status in {404, 410}:
            if self._config.has_token:
                return NotFound(f"{who}: not found, or the token may not see it")
            return NotFound(f"{who}: not found, or it is private: no token was given")
        if status == 408 or status == 504:
            failure: GatewayError = TimedOut(f"{who}: the server gave up ({status}): {words}; try again later")
        elif status == 501:
            return Unsupported(f"{who}: the server does not offer it (501): {words}")
        elif status >= 500:
            failure = Unavailable(f"{who}: the server failed ({status}): {words}; try again later")
        elif status == 416:
            return Conflict(f"{who}: the server has fewer bytes than the file; read it again")
        elif status in {400, 409, 412, 413, 422}:
            return StatusRefused(who, status, words)
        else:
            return Unsupported(f"{who}: the server answered {status}: {words}; check base_url")
        if changes and status != 503:
            return OutcomeUnknown(
                f"{who}: the server failed in the middle of a change ({status}), which may have been made or not; look "
                "at the branch before doing it again"
            )
        return failure


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _first(error: object) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return text.rpartition(": ")[2][:200] or type(error).__name__


def _words(answer: Answer) -> str:
    """Return the server's own words in one short line; none of a page of HTML."""
    if "json" not in answer.headers.get("content-type", "json"):
        return http.client.responses.get(answer.status, "no words")
    try:
        found = json.loads(answer.body)
    except ValueError:
        return http.client.responses.get(answer.status, "no words")
    if isinstance(found, Mapping):
        found = found.get("message") or found.get("error_description") or found.get("error") or found
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return " ".join(text.split())[:300]
