"""Verifiers against the example of RFC 7677, computed here from its parts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_sqlserver.auth.passwords import Md5Hash, Verifier, make_verifier, mock_verifier, read_credential

# RFC 7677, section 3: user "user", password "pencil"
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
FIRST_BARE = "n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
SIGNATURE = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_a_verifier_proves_the_example_of_the_rfc() -> None:
    verifier = make_verifier("pencil", salt=SALT)
    told = f"{FIRST_BARE},{SERVER_FIRST},{FINAL}".encode()
    signed = hmac.digest(verifier.stored_key, told, "sha256")
    client_key = bytes(mine ^ theirs for mine, theirs in zip(signed, PROOF, strict=True))
    assert hashlib.sha256(client_key).digest() == verifier.stored_key
    assert hmac.digest(verifier.server_key, told, "sha256") == SIGNATURE


def test_a_verifier_survives_its_text() -> None:
    verifier = make_verifier("pencil")
    assert read_credential(str(verifier), "who") == verifier
    assert read_credential(str(verifier).replace("SCRAM-SHA-256", "scram-sha-256"), "who") == verifier
    assert str(verifier).startswith("SCRAM-SHA-256$4096:")
    assert base64.b64encode(verifier.stored_key).decode() not in repr(verifier)


def test_a_bare_password_becomes_a_verifier_of_its_own() -> None:
    first, second = (read_credential("pencil", "who") for _ in range(2))
    assert isinstance(first, Verifier)
    assert isinstance(second, Verifier)
    assert first.salt != second.salt


def test_an_md5_hash() -> None:
    text = "md5" + hashlib.md5(b"pencil" + b"user").hexdigest()
    credential = read_credential(text, "who")
    assert isinstance(credential, Md5Hash)
    salted = "md5" + hashlib.md5(text[3:].encode() + b"salt").hexdigest()
    assert credential.proves(salted, b"salt")
    assert not credential.proves(salted, b"tlas")
    assert not credential.proves("md5\N{SNOWMAN}", b"salt")
    assert text not in repr(credential)


@pytest.mark.parametrize(
    "text",
    [
        "SCRAM-SHA-256$4096:c2FsdA==$QUFB:QkJC",
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:AAAA",
        "SCRAM-SHA-256$",
        "SCRAM-SHA-256$4096",
        "scram-sha-256$4096:yy2$zz3:ww4",
    ],
)
def test_a_damaged_verifier_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^users\.a: found a damaged") as caught:
        read_credential(text, "users.a")
    assert not any(part in str(caught.value) for part in re.split("[$:]", text)[2:])


@pytest.mark.parametrize("iterations", ["1", "4095", "99999999"])
def test_iterations_are_bounded(iterations: str) -> None:
    text = str(make_verifier("x")).replace("$4096:", f"${iterations}:")
    with pytest.raises(InvalidValue, match=r"iterations, wanted 4,096 to 10,000,000"):
        read_credential(text, "who")


def test_an_empty_password_is_refused() -> None:
    with pytest.raises(InvalidValue, match="who: password"):
        read_credential("", "who")


def test_who_is_not_there_has_the_same_salt_each_time() -> None:
    first, again, other = (mock_verifier(user, b"secret", 4096) for user in ("a", "a", "b"))
    assert first == again
    assert first.salt != other.salt
    assert first != mock_verifier("a", b"another", 4096)
    assert len(first.salt) == 16
