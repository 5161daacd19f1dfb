"""The way in as conversations: the client's half is scramp's, or a message that is wrong on purpose."""

from __future__ import annotations

import hashlib
import struct

import pytest
from scramp import ScramClient

from fsspeckit_lib.service.sqlserver_settings import SqlServerSettings
from fsspeckit_sqlserver.auth.access import AccessRule, Method, Peer
from fsspeckit_sqlserver.auth.configured import auth_config
from fsspeckit_sqlserver.auth.errors import InvalidAuthorization, TooManyFailures, WrongPassword
from fsspeckit_sqlserver.auth.failures import Failures
from fsspeckit_sqlserver.auth.login import Gate, Login
from fsspeckit_sqlserver.auth.passwords import make_verifier, read_credential
from fsspeckit_sqlserver.wire.authentication import (
    AuthenticationMd5Password,
    AuthenticationOk,
    AuthenticationSasl,
    AuthenticationSaslContinue,
    AuthenticationSaslFinal,
)
from fsspeckit_sqlserver.wire.fields import MalformedMessage

USERS = {
    "ann": make_verifier("pencil"),
    "old": read_credential("md5" + hashlib.md5(b"pencilold").hexdigest(), "old"),
}


def _gate(method: Method = "scram-sha-256") -> Gate:
    return Gate((AccessRule(method),), Failures(lambda: 0.0, most=3), USERS)


def _initial(text: str, mechanism: str = "SCRAM-SHA-256") -> bytes:
    return mechanism.encode() + b"\0" + struct.pack("!i", len(text)) + text.encode()


def _scram(login: Login, password: str) -> None:
    """Log in as libpq does, which leaves the name in the messages empty."""
    client = ScramClient(["SCRAM-SHA-256"], "x", password)
    first = client.get_client_first().replace("n=x,", "n=,")
    client.client_first_bare = first.removeprefix("n,,")
    (challenge,) = login.answer(_initial(first))
    assert isinstance(challenge, AuthenticationSaslContinue)
    client.set_server_first(challenge.data.decode())
    final, welcome = login.answer(client.get_client_final().encode())
    assert isinstance(final, AuthenticationSaslFinal)
    assert isinstance(welcome, AuthenticationOk)
    client.set_server_final(final.data.decode())


def test_the_right_password() -> None:
    login = Login(_gate(), Peer("1.2.3.4"), "ann", "db")
    assert login.begin() == [AuthenticationSasl(("SCRAM-SHA-256",))]
    assert not login.admitted
    _scram(login, "pencil")
    assert login.admitted


@pytest.mark.parametrize("user", ["ann", "nobody", "old"])
def test_a_wrong_password_and_an_unknown_user_get_the_same_answers(user: str) -> None:
    login = Login(_gate(), Peer("1.2.3.4"), user, "db")
    assert login.begin() == [AuthenticationSasl(("SCRAM-SHA-256",))]
    with pytest.raises(WrongPassword, match=f'^password authentication failed for user "{user}"$'):
        _scram(login, "wrong")
    assert not login.admitted


def test_too_many_wrong_passwords_shut_the_address_out() -> None:
    gate = _gate()
    for _ in range(3):
        login = Login(gate, Peer("1.2.3.4"), "ann", "db")
        login.begin()
        with pytest.raises(WrongPassword):
            _scram(login, "wrong")
    with pytest.raises(TooManyFailures, match=r"from 1\.2\.3\.4; try again in 60 s"):
        Login(gate, Peer("1.2.3.4"), "ann", "db").begin()
    Login(gate, Peer("1.2.3.5"), "ann", "db").begin()


def test_a_right_password_forgives() -> None:
    gate = _gate()
    for password in ("wrong", "wrong", "pencil", "wrong", "wrong", "pencil"):
        login = Login(gate, Peer("1.2.3.4"), "ann", "db")
        login.begin()
        if password == "wrong":
            with pytest.raises(WrongPassword):
                _scram(login, password)
        else:
            _scram(login, password)


@pytest.mark.parametrize(("password", "enters"), [("pencil", True), ("wrong", False)])
def test_md5_where_a_rule_says_so(password: str, enters: bool) -> None:
    login = Login(_gate("md5"), Peer("1.2.3.4"), "old", "db")
    (wanted,) = login.begin()
    assert isinstance(wanted, AuthenticationMd5Password)
    inner = hashlib.md5(f"{password}old".encode()).hexdigest()
    answer = b"md5" + hashlib.md5(inner.encode() + wanted.salt).hexdigest().encode() + b"\0"
    if enters:
        assert login.answer(answer) == [AuthenticationOk()]
    else:
        with pytest.raises(WrongPassword):
            login.answer(answer)


def test_a_user_with_a_verifier_is_asked_for_scram_under_md5_too() -> None:
    login = Login(_gate("md5"), Peer("1.2.3.4"), "ann", "db")
    assert login.begin() == [AuthenticationSasl(("SCRAM-SHA-256",))]
    _scram(login, "pencil")


def _configured_gate() -> Gate:
    users = {"ann": {"password": "pencil"}, "bob": {"password": "md5" + 32 * "a"}, "carl": {}}
    config = auth_config(SqlServerSettings.model_validate({"users": users, "access": [{"method": "md5"}]}), "127.0.0.1")
    return Gate(config.rules, Failures(lambda: 0.0, most=10**6), config.users, config.secret)


def _asked_for(gate: Gate, user: str) -> tuple[type, bytes]:
    """Return what a user is asked for, and the salt and iterations he is told of."""
    login = Login(gate, Peer("127.0.0.1"), user, "db")
    (wanted,) = login.begin()
    if isinstance(wanted, AuthenticationMd5Password):
        with pytest.raises(WrongPassword):
            login.answer(b"md5" + 32 * b"0" + b"\0")
        return AuthenticationMd5Password, b""
    (challenge,) = login.answer(_initial("n,,n=,r=abc"))
    assert isinstance(challenge, AuthenticationSaslContinue)
    return AuthenticationSasl, challenge.data.partition(b",")[2]


def test_names_that_are_not_there_have_either_kind_of_password() -> None:
    gate = _configured_gate()
    names = [f"guess{number}" for number in range(200)]
    asked = [_asked_for(gate, name)[0] for name in names]
    assert 60 < asked.count(AuthenticationMd5Password) < 140  # as many as of those that are: one of two
    assert [_asked_for(gate, name)[0] for name in names] == asked
    plain = Gate((AccessRule("md5"),), Failures(lambda: 0.0, most=10**6), {"ann": make_verifier("pencil")})
    assert {_asked_for(plain, name)[0] for name in names} == {AuthenticationSasl}


def test_a_restart_changes_nothing_of_a_name_that_is_there_or_not() -> None:
    for name in ("ann", "bob", "carl", "guess1", "guess2", "guess3"):
        assert _asked_for(_configured_gate(), name) == _asked_for(_configured_gate(), name)


@pytest.mark.parametrize(("name", "enters"), [("ann", True), ("bob", False), (None, False)])
def test_a_certificate_must_bear_the_user_s_name(name: str | None, enters: bool) -> None:
    login = Login(_gate("cert"), Peer("1.2.3.4", True, name, "-"), "ann", "db")
    if enters:
        assert login.begin() == [AuthenticationOk()]
    else:
        with pytest.raises(InvalidAuthorization, match="certificate authentication failed"):
            login.begin()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SCRAM-SHA-256\0",
        _initial("n,,n=,r=abc", "SCRAM-SHA-256-PLUS"),
        _initial("n,,n=,r=abc", "GSSAPI"),
        _initial(""),
        _initial("n,,r=abc"),
        _initial("x,,n=,r=abc"),
        _initial("n,,n=,r="),
        _initial("n,a=other,n=,r=abc"),
        _initial("n,,n=,m=extension,r=abc"),
        _initial("n,,n=,r=abc")[:-2],
        b"SCRAM-SHA-256\0\0\0\0\5n,\xff,x",
    ],
)
def test_a_malformed_first_message_ends_the_login(data: bytes) -> None:
    login = Login(_gate(), Peer("1.2.3.4"), "ann", "db")
    login.begin()
    with pytest.raises(MalformedMessage):
        login.answer(data)
    assert not login.admitted


@pytest.mark.parametrize("cut", range(0, 100, 3))
def test_a_final_message_that_was_cut_or_changed_does_not_enter(cut: int) -> None:
    login = Login(_gate(), Peer("1.2.3.4"), "ann", "db")
    login.begin()
    client = ScramClient(["SCRAM-SHA-256"], "x", "pencil")
    (challenge,) = login.answer(_initial(client.get_client_first()))
    assert isinstance(challenge, AuthenticationSaslContinue)
    client.set_server_first(challenge.data.decode())
    final = bytearray(client.get_client_final().encode())
    final[cut % len(final)] ^= 1
    with pytest.raises((WrongPassword, MalformedMessage, InvalidAuthorization)):
        login.answer(bytes(final))
    assert not login.admitted


def test_an_empty_first_answer_gets_an_empty_challenge() -> None:
    login = Login(_gate(), Peer("1.2.3.4"), "ann", "db")
    login.begin()
    assert login.answer(b"SCRAM-SHA-256\0" + struct.pack("!i", -1)) == [AuthenticationSaslContinue(b"")]
    client = ScramClient(["SCRAM-SHA-256"], "x", "pencil")
    (challenge,) = login.answer(client.get_client_first().encode())
    assert isinstance(challenge, AuthenticationSaslContinue)
    client.set_server_first(challenge.data.decode())
    login.answer(client.get_client_final().encode())
    assert login.admitted


def test_a_client_that_was_told_less_than_we_offered_is_refused() -> None:
    """Somebody between the two has taken the channel binding out of our offer: RFC 5802, section 6."""
    pem = _certificate()
    login = Login(_gate(), Peer("1.2.3.4", True, None, pem), "ann", "db")
    assert login.begin() == [AuthenticationSasl(("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"))]
    with pytest.raises(InvalidAuthorization, match="channel binding"):
        login.answer(_initial("y,,n=,r=abcdefgh"))


def _certificate() -> str:
    import trustme

    return trustme.CA().issue_cert("localhost").cert_chain_pems[0].bytes().decode()
