"""The transaction block of one session: its state, its savepoints, what ends it.

Pure. The engine has transactions but no savepoints. Tables behind the gateway are only read, so a savepoint costs
nothing until something was written (temporary tables): then a rollback to it is refused rather than faked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fsspeckit_lib.errors import Unsupported
from fsspeckit_sqlserver.session.errors import NoActiveTransaction, UndefinedSavepoint
from fsspeckit_sqlserver.wire.backend import TransactionStatus

__all__ = ["Transaction"]


@dataclass(slots=True)
class _Savepoint:
    name: str
    write_count: int


@dataclass(slots=True)
class Transaction:
    """Where the session is.

    Attributes:
        status: I, T or E, as ReadyForQuery says it.
        implicit: the block was opened for a Query of several statements, not by BEGIN; never true in state E.
        in_engine: the engine has a transaction open for it.
    """

    status: TransactionStatus = "I"
    implicit: bool = False
    in_engine: bool = False
    write_count: int = 0
    _savepoints: list[_Savepoint] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether statements belong to a block."""
        return self.status != "I" or self.implicit

    def open(self, *, implicit: bool) -> None:
        """Enter a block, or turn an implicit one into one that BEGIN opened."""
        self.implicit = implicit
        self.status = "I" if implicit else "T"

    def fail(self) -> None:
        """Note an error: an explicit block is failed from here on."""
        if self.status == "T":
            self.status = "E"

    def close(self) -> None:
        """Leave the block."""
        self.status = "I"
        self.implicit = self.in_engine = False
        self.write_count = 0
        self._savepoints.clear()

    def savepoint(self, name: str) -> None:
        """Set a savepoint.

        Raises:
            NoActiveTransaction: outside a block.
        """
        if self.status == "I":
            raise NoActiveTransaction("SAVEPOINT can only be used in transaction blocks")
        self._savepoints.append(_Savepoint(name, self.write_count))

    def release(self, name: str) -> None:
        """Forget a savepoint and the younger ones.

        Raises:
            NoActiveTransaction, UndefinedSavepoint.
        """
        del self._savepoints[self._find(name, "RELEASE SAVEPOINT") :]

    def rollback_to(self, name: str) -> bool:
        """Return to a savepoint, which stays; return whether the block was failed, and the engine's must be reopened.

        Raises:
            NoActiveTransaction, UndefinedSavepoint.
            Unsupported: something was written since, or, in a failed block, before.
        """
        index = self._find(name, "ROLLBACK TO SAVEPOINT")
        was_failed = self.status == "E"
        if self.write_count != (0 if was_failed else self._savepoints[index].write_count):
            raise Unsupported(
                "a rollback to a savepoint cannot take back what was written to temporary tables; use ROLLBACK"
            )
        del self._savepoints[index + 1 :]
        self.status = "T"
        return was_failed

    def _find(self, name: str, statement: str) -> int:
        if self.status == "I":
            raise NoActiveTransaction(f"{statement} can only be used in transaction blocks")
        for index in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[index].name == name:
                return index
        raise UndefinedSavepoint(f'savepoint "{name}" does not exist')
