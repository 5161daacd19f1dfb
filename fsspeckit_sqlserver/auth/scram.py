"""One SCRAM-SHA-256 exchange, the server's half. Sans-IO; the arithmetic and the parsing are scramp's.

The user's name in the client's message is not looked at, as in PostgreSQL: libpq leaves it empty, and who is meant is
in the startup message. Channel binding (SCRAM-SHA-256-PLUS) is tls-server-end-point: RFC 5929.
"""

from __future__ import annotations

from typing import Final

from scramp import ScramException, ScramMechanism

from fsspeckit_sqlserver.auth.errors import InvalidAuthorization, WrongPassword
from fsspeckit_sqlserver.auth.passwords import Verifier
from fsspeckit_sqlserver.wire.fields import MalformedMessage

__all__ = ["SCRAM", "SCRAM_PLUS", "ScramExchange"]

SCRAM: Final = "SCRAM-SHA-256"
SCRAM_PLUS: Final = "SCRAM-SHA-256-PLUS"

_WRONG_PROOF: Final = "invalid-proof"
_BINDING: Final = frozenset(
    {
        "channel-bindings-dont-match",
        "server-does-support-channel-binding",
        "channel-binding-not-supported",
        "unsupported-channel-binding-type",
    }
)


class ScramExchange:
    """From the client's first message to the server's last. Call `first`, then `final`, once each."""

    def __init__(self, mechanism: str, user: str, verifier: Verifier, certificate_pem: str | None) -> None:
        """Prepare it.

        Args:
            mechanism: as the client chose it: SCRAM or SCRAM_PLUS.
            certificate_pem: of this server, where the connection is encrypted with it.

        Raises:
            MalformedMessage: the client chose what was not offered.
        """
        offered = {SCRAM} if certificate_pem is None else {SCRAM, SCRAM_PLUS}
        if mechanism not in offered:
            raise MalformedMessage("client selected an invalid SASL authentication mechanism")
        self._user = user
        keys = (verifier.salt, verifier.stored_key, verifier.server_key, verifier.iterations)
        binding = None if certificate_pem is None else ("tls-server-end-point", certificate_pem)
        self._server = ScramMechanism(mechanism).make_server(lambda _: keys, channel_binding=binding)

    def first(self, message: bytes) -> bytes:
        """Return the server's first message.

        Raises:
            InvalidAuthorization: the two disagree about channel binding.
            MalformedMessage: it is no first message.
        """
        text = _text(message)
        header, name, rest = _split(text)
        try:
            self._server.set_client_first(f"{header}n=somebody,{rest}")  # scramp wants a name; see above
        except ScramException as error:
            raise self._failure(error) from None
        self._server.client_first_bare = f"{name},{rest}"  # what both sides sign
        return bytes(self._server.get_server_first(), "ascii")

    def final(self, message: bytes) -> bytes:
        """Return the server's last message: the client has proved that it knows the password.

        Raises:
            WrongPassword: it has not.
            InvalidAuthorization, MalformedMessage: as in `first`.
        """
        try:
            self._server.set_client_final(_text(message))
            return bytes(self._server.get_server_final(), "ascii")
        except ScramException as error:
            raise self._failure(error) from None

    def _failure(self, error: ScramException) -> WrongPassword | InvalidAuthorization | MalformedMessage:
        reason = str(getattr(error.server_error, "value", error.server_error))
        if reason == _WRONG_PROOF:
            return WrongPassword(self._user)
        if reason in _BINDING:
            return InvalidAuthorization("SCRAM channel binding check failed")
        return MalformedMessage(f"malformed SCRAM message ({reason})")


def _text(message: bytes) -> str:
    try:
        return message.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedMessage("malformed SCRAM message (not ASCII)") from None


def _split(text: str) -> tuple[str, str, str]:
    """Return the GS2 header with its comma, the attribute of the name, and the rest of a first message."""
    parts = text.split(",", 3)
    if len(parts) != 4 or not parts[2].startswith("n="):
        raise MalformedMessage("malformed SCRAM message (no user name, nonce)")
    return f"{parts[0]},{parts[1]},", parts[2], parts[3]
