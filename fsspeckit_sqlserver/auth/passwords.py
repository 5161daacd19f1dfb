"""What the server keeps of a password: enough to check one, not to be one.

A verifier is PostgreSQL's: `SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY`, base64 inside. What pg_authid or
`fsspeckit server passwd` shows can be pasted into the configuration. RFC 5802 and 7677; the arithmetic is scramp's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final

from scramp import ScramException, ScramMechanism

from fsspeckit_lib.errors import InvalidValue

__all__ = [
    "ITERATIONS",
    "Md5Hash",
    "Verifier",
    "make_verifier",
    "mock_md5",
    "mock_verifier",
    "read_credential",
    "shared_secret",
]

ITERATIONS: Final = 4096
"""PostgreSQL's default. The client does this work, at each login."""

_MECHANISM: Final = ScramMechanism("SCRAM-SHA-256")
_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d{1,8}):([^$:]+)\$([^$:]+):([^$:]+)", re.IGNORECASE)
_MD5 = re.compile(r"md5[0-9a-f]{32}")
_KEY_BYTES, _SALT_BYTES = 32, 16


@dataclass(frozen=True, slots=True)
class Verifier:
    """A SCRAM-SHA-256 verifier. `str()` gives its text; `repr` shows nothing of it."""

    iterations: int
    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    def __str__(self) -> str:
        salt, stored, server = (
            base64.b64encode(part).decode() for part in (self.salt, self.stored_key, self.server_key)
        )
        return f"SCRAM-SHA-256${self.iterations}:{salt}${stored}:{server}"


@dataclass(frozen=True, slots=True)
class Md5Hash:
    """PostgreSQL's old form: md5 of password and user name. Whoever has it can log in with it."""

    text: str = field(repr=False)

    def proves(self, answer: str, salt: bytes) -> bool:
        """Tell whether `answer` is this hash salted, as an AuthenticationMD5Password asks for."""
        wanted = "md5" + hashlib.md5(self.text[3:].encode() + salt, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(answer.encode(), wanted.encode())


def make_verifier(password: str, *, iterations: int = ITERATIONS, salt: bytes | None = None) -> Verifier:
    """Return a verifier of a password.

    Raises:
        InvalidValue: the password is empty or has characters that SASLprep (RFC 4013) forbids, or fewer than 4096
            iterations are wanted.
    """
    if not password:
        raise InvalidValue("password: found none; choose one")
    try:
        salt, stored_key, server_key, count = _MECHANISM.make_auth_info(password, iterations, salt)
    except ScramException as error:
        raise InvalidValue(f"password: cannot be used: {error}; choose another") from None
    return Verifier(count, salt, stored_key, server_key)


def mock_verifier(user: str, secret: bytes, iterations: int) -> Verifier:
    """Return the verifier of somebody who is not there: no password has it, and it is the same at each attempt.

    Source: RFC 5802, section 9; PostgreSQL's `mock_scram_secret`.
    """

    def derived(what: bytes) -> bytes:
        return hmac.digest(secret, what + user.encode(errors="surrogatepass"), "sha256")

    return Verifier(iterations, derived(b"salt")[:_SALT_BYTES], derived(b"stored"), derived(b"server"))


def mock_md5(user: str, secret: bytes) -> Md5Hash:
    """Return the md5 hash of somebody who is not there."""
    return Md5Hash("md5" + hmac.digest(secret, b"md5" + user.encode(errors="surrogatepass"), "md5").hex())


def shared_secret(texts: Iterable[tuple[str, str]]) -> bytes:
    """Return the secret that mock passwords are made from: the same after a restart, as those of real users are.

    Args:
        texts: names and configured passwords; without any, the secret is random.
    """
    joined = "\0".join(f"{name}\0{text}" for name, text in sorted(texts))
    return hashlib.sha256(b"mock" + joined.encode(errors="surrogatepass")).digest() if joined else token_bytes(32)


def read_credential(text: str, who: str, salt: bytes | None = None) -> Verifier | Md5Hash:
    """Return what a configuration says of a user's password: a verifier, an md5 hash, or the password itself.

    Args:
        salt: for a password that is given itself; None is random.

    Raises:
        InvalidValue: a verifier that is cut or damaged, or a password that cannot be used; shows nothing of it.
    """
    if _MD5.fullmatch(text):
        return Md5Hash(text)
    if not text.upper().startswith("SCRAM-SHA-256$"):
        try:
            return make_verifier(text, salt=salt)
        except InvalidValue as error:
            raise InvalidValue(f"{who}: {error}") from None
    match = _VERIFIER.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        salt, stored_key, server_key = (base64.b64decode(part, validate=True) for part in match.groups()[1:])
        if len(stored_key) != _KEY_BYTES or len(server_key) != _KEY_BYTES or len(salt) < 12:
            raise ValueError
    except (ValueError, binascii.Error):
        raise InvalidValue(
            f"{who}: found a damaged SCRAM-SHA-256 verifier, wanted SCRAM-SHA-256$ITERATIONS:SALT$KEY:KEY as "
            "`fsspeckit server passwd` prints it"
        ) from None
    iterations = int(match[1])
    if not ITERATIONS <= iterations <= 10_000_000:
        raise InvalidValue(f"{who}: found {iterations} iterations, wanted 4,096 to 10,000,000")
    return Verifier(iterations, salt, stored_key, server_key)
