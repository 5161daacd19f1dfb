"""TLS of one listener: the certificate, read again when it changes, and the layer of one connection.

The layer is sans-IO: bytes from the socket in, clear bytes out, and the other way round (`ssl.MemoryBIO`). So a
connection that begins encrypted (ALPN `postgresql`) and one that asks with SSLRequest share one path.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
from dataclasses import dataclass
from typing import Final, Literal, cast

from fsspeckit_lib.errors import AccessDenied, GatewayError, InvalidValue, NotFound, Unavailable

__all__ = ["HANDSHAKE_BYTE", "TlsConfig", "TlsFailed", "TlsLayer", "TlsListener"]

_logger = logging.getLogger(__name__)

HANDSHAKE_BYTE: Final = b"\x16"
"""What a connection that is encrypted from its first byte begins with: a TLS handshake record."""

_ALPN: Final = "postgresql"
_READ_BYTES: Final = 256 << 10


class TlsFailed(Unavailable):
    """The handshake or a record went wrong; the connection ends. The other side has been told by an alert."""

    kind = "tls-failed"


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Paths of PEM files.

    Attributes:
        certificate: the server's, with those of its authorities after it.
        key: of the certificate; it may lie in the same file.
        client_authority: certificates of clients are checked against it; None: clients are not asked for one.
    """

    certificate: str
    key: str
    client_authority: str | None = None
    min_version: Literal["1.2", "1.3"] = "1.2"


class TlsListener:
    """The files of a `TlsConfig`, as they were when last read."""

    def __init__(self, config: TlsConfig) -> None:
        """Read them.

        Raises:
            NotFound, AccessDenied, InvalidValue: they cannot be used; names the file.
        """
        self._config = config
        self._context, self.certificate_pem = _load(config)

    def reload(self) -> None:
        """Read the files again; connections that are open keep what they have. Files that cannot be used are logged."""
        try:
            self._context, self.certificate_pem = _load(self._config)
        except GatewayError as error:
            _logger.error("%s; the certificate of before is used on", error)
        else:
            _logger.info("read %s again", self._config.certificate)

    def layer(self) -> TlsLayer:
        """Return the layer of a new connection."""
        return TlsLayer(self._context, self.certificate_pem)


class TlsLayer:
    """One connection's encryption."""

    def __init__(self, context: ssl.SSLContext, certificate_pem: str) -> None:
        self.certificate_pem = certificate_pem
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_established = False

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes from the socket; return the clear bytes in them, and what must be sent because of them.

        Raises:
            TlsFailed: they are not what TLS has there; `unsent` is what is still to be sent.
        """
        self._incoming.write(data)
        clear = bytearray()
        try:
            if not self.is_established:
                self._object.do_handshake()
                self.is_established = True
            while True:
                piece = self._object.read(_READ_BYTES)
                if not piece:
                    break
                clear += piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # the other side is done; what follows is the end of the stream
            pass
        except ssl.SSLError as error:
            raise TlsFailed(f"TLS: {error.reason or error}") from error
        return bytes(clear), self._outgoing.read()

    def encrypt(self, data: memoryview) -> bytes:
        """Return clear bytes as they travel."""
        written = 0
        while written < len(data):
            written += self._object.write(data[written:])
        return self._outgoing.read()

    def close(self) -> bytes:
        """Return what says that nothing follows."""
        with contextlib.suppress(ssl.SSLError):
            self._object.unwrap()
        return self._outgoing.read()

    @property
    def unsent(self) -> bytes:
        """What is to be sent yet: the alert of a failure."""
        return self._outgoing.read()

    @property
    def has_alpn(self) -> bool:
        """Whether the client asked for PostgreSQL by name, as one must that does not ask with SSLRequest."""
        return self._object.selected_alpn_protocol() == _ALPN

    @property
    def client_name(self) -> str | None:
        """The common name of the client's certificate, None without one."""
        certificate = self._object.getpeercert() or {}
        subject = cast("tuple[tuple[tuple[str, str], ...], ...]", certificate.get("subject", ()))
        return next((value for names in subject for name, value in names if name == "commonName"), None)


def _load(config: TlsConfig) -> tuple[ssl.SSLContext, str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2 if config.min_version == "1.2" else ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols([_ALPN])
    path = config.certificate
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            pem = file.read()
        context.load_cert_chain(config.certificate, config.key, password=_no_password)
        if config.client_authority is not None:
            path = config.client_authority
            context.load_verify_locations(path)
            context.verify_mode = ssl.CERT_OPTIONAL
    except FileNotFoundError as error:
        raise NotFound(f"sqlserver.tls: {error.filename or path}: found no such file") from error
    except PermissionError as error:
        raise AccessDenied(f"sqlserver.tls: {error.filename or path}: may not be read by this user") from error
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InvalidValue(
            f"sqlserver.tls: {path} with key {config.key}: cannot be used ({reason}); wanted a PEM certificate, and "
            "its key without a passphrase"
        ) from error
    return context, pem


def _no_password() -> str:
    raise ValueError("the key is encrypted by a passphrase")
