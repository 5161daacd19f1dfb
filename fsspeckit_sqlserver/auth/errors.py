"""Why somebody may not enter. The texts are PostgreSQL's where the case is the same: they tell an attacker nothing."""

from __future__ import annotations

from fsspeckit_lib.errors import AccessDenied, ResourceExhausted

__all__ = ["InvalidAuthorization", "TooManyFailures", "WrongPassword"]


class InvalidAuthorization(AccessDenied):
    """No rule lets this user in from there, or the start of the session says too little."""

    kind = "invalid-authorization"


class WrongPassword(AccessDenied):
    """The proof of the password is wrong, or there is no such user: the text does not tell which."""

    kind = "invalid-password"

    def __init__(self, user: str) -> None:
        super().__init__(user)
        self.user = user

    def __str__(self) -> str:
        return f'password authentication failed for user "{self.user}"'


class TooManyFailures(ResourceExhausted):
    """The client's address has given too many wrong passwords; it may try again later."""

    kind = "too-many-failures"

    def __init__(self, address: str, wait_s: float) -> None:
        super().__init__(address, wait_s)
        self.address, self.wait_s = address, wait_s

    def __str__(self) -> str:
        return f"too many failed logins from {self.address}; try again in {self.wait_s:.0f} s"
