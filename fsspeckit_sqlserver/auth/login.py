"""The way in: one state machine a client, one gate for all. Sans-IO.

An unknown user is asked for a password like any other, gets the same answers after the same work, and fails at the end.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from fsspeckit_sqlserver.auth.access import AccessRule, Peer, find_rule
from fsspeckit_sqlserver.auth.errors import InvalidAuthorization, WrongPassword
from fsspeckit_sqlserver.auth.failures import Failures
from fsspeckit_sqlserver.auth.passwords import ITERATIONS, Md5Hash, Verifier, mock_md5, mock_verifier
from fsspeckit_sqlserver.auth.scram import SCRAM, SCRAM_PLUS, ScramExchange
from fsspeckit_sqlserver.wire.authentication import (
    AuthenticationMd5Password,
    AuthenticationMessage,
    AuthenticationOk,
    AuthenticationSasl,
    AuthenticationSaslContinue,
    AuthenticationSaslFinal,
    read_password,
    read_sasl_initial,
)
from fsspeckit_sqlserver.wire.fields import MalformedMessage

__all__ = ["Gate", "Login"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may enter.

    Attributes:
        rules: the first that matches decides.
        users: what is known of their passwords.
    """

    rules: tuple[AccessRule, ...]
    failures: Failures
    users: Mapping[str, Verifier | Md5Hash] = field(default_factory=dict, repr=False)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def credential(self, user: str, method: str) -> Verifier | Md5Hash:
        """Return what is known of a user's password, or what no password fits.

        Where md5 is allowed, what is asked for tells the kind of a password. Of names that are not there, as many seem
        to have each kind as of those that are, and each seems to have the same one always.
        """
        found = self.users.get(user)
        if found is not None:
            return found
        kinds = [isinstance(known, Md5Hash) for known in self.users.values()]
        if method == "md5" and any(kinds):
            mock = hmac.digest(self.secret, b"kind" + user.encode(errors="surrogatepass"), "sha256")
            if kinds[int.from_bytes(mock) % len(kinds)]:
                return mock_md5(user, self.secret)
        iterations = {known.iterations for known in self.users.values() if isinstance(known, Verifier)}
        return mock_verifier(user, self.secret, max(iterations, default=ITERATIONS))


class Login:
    """One client's way in. `begin` first, then `answer` for each message of it, until `admitted`."""

    def __init__(self, gate: Gate, peer: Peer, user: str, database: str) -> None:
        self.admitted = False
        self._gate = gate
        self._peer = peer
        self._user = user
        self._database = database
        self._scram: ScramExchange | None = None
        self._scram_began = False
        self._salt = b""
        self._credential = gate.credential(user, "scram-sha-256")

    def begin(self) -> list[AuthenticationMessage]:
        """Return what is sent first.

        Raises:
            InvalidAuthorization: no rule lets this client in.
            TooManyFailures: its address has given too many wrong passwords.
        """
        self._gate.failures.check(self._peer)
        rule = find_rule(self._gate.rules, self._peer, self._user, self._database)
        self._credential = self._gate.credential(self._user, rule.method)
        match rule.method:
            case "trust":
                return self._admit()
            case "cert":
                if self._peer.certificate_name != self._user:
                    raise InvalidAuthorization(f'certificate authentication failed for user "{self._user}"')
                return self._admit()
            case "md5" if isinstance(self._credential, Md5Hash):
                self._salt = secrets.token_bytes(4)
                return [AuthenticationMd5Password(self._salt)]
            case _:
                offered = (SCRAM,) if self._peer.server_certificate_pem is None else (SCRAM_PLUS, SCRAM)
                return [AuthenticationSasl(offered)]

    def answer(self, data: bytes) -> list[AuthenticationMessage]:
        """Return what is sent after a PasswordMessage with this body.

        Raises:
            WrongPassword: the password is wrong, or there is no such user.
            InvalidAuthorization: the channel is bound to another server's certificate.
            MalformedMessage: it is not what was asked for.
        """
        try:
            return self._check_md5(data) if self._salt else self._exchange(data)
        except (WrongPassword, InvalidAuthorization):
            self._gate.failures.failed(self._peer)
            raise

    def _check_md5(self, data: bytes) -> list[AuthenticationMessage]:
        assert isinstance(self._credential, Md5Hash)
        if not self._credential.proves(read_password(data), self._salt):
            raise WrongPassword(self._user)
        return self._proved()

    def _exchange(self, data: bytes) -> list[AuthenticationMessage]:
        if self._scram is None:
            mechanism, first = read_sasl_initial(data)
            verifier = self._credential
            if isinstance(verifier, Md5Hash):  # SCRAM cannot be done from it: nobody gets in
                verifier = mock_verifier(self._user, self._gate.secret, ITERATIONS)
            self._scram = ScramExchange(mechanism, self._user, verifier, self._peer.server_certificate_pem)
            if first is None:  # the client waits for an empty challenge, as the protocol allows
                return [AuthenticationSaslContinue(b"")]
            data = first
        if not self._scram_began:
            self._scram_began = True
            return [AuthenticationSaslContinue(self._scram.first(data))]
        if self.admitted:
            raise MalformedMessage("malformed SCRAM message (the exchange is over)")
        return [AuthenticationSaslFinal(self._scram.final(data)), *self._proved()]

    def _proved(self) -> list[AuthenticationMessage]:
        self._gate.failures.succeeded(self._peer.address)
        return self._admit()

    def _admit(self) -> list[AuthenticationMessage]:
        self.admitted = True
        return [AuthenticationOk()]
