"""The transaction block of one session: its state, its savepoints, what ends it.

Pure. A savepoint is a name here and a number in the engine: the one set when none was is the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fsspeckit_sqlserver.session.errors import NoActiveTransaction, UndefinedSavepoint
from fsspeckit_sqlserver.wire.backend import TransactionStatus

__all__ = ["Transaction"]


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
    _savepoints: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether statements belong to a block."""
        return self.status != "I" or self.implicit

    @property
    def depth(self) -> int:
        """How many savepoints are set."""
        return len(self._savepoints)

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
        self._savepoints.clear()

    def savepoint(self, name: str) -> None:
        """Set a savepoint.

        Raises:
            NoActiveTransaction: outside a block.
        """
        if self.status == "I":
            raise NoActiveTransaction("SAVEPOINT can only be used in transaction blocks")
        self._savepoints.append(name)

    def release(self, name: str) -> None:
        """Forget a savepoint and the younger ones.

        Raises:
            NoActiveTransaction, UndefinedSavepoint.
        """
        del self._savepoints[self._find(name, "RELEASE SAVEPOINT") :]

    def rollback_to(self, name: str) -> None:
        """Return to a savepoint, which stays; a failed block goes on.

        Raises:
            NoActiveTransaction, UndefinedSavepoint.
        """
        del self._savepoints[self._find(name, "ROLLBACK TO SAVEPOINT") + 1 :]
        self.status = "T"

    def _find(self, name: str, statement: str) -> int:
        if self.status == "I":
            raise NoActiveTransaction(f"{statement} can only be used in transaction blocks")
        for index in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[index] == name:
                return index
        raise UndefinedSavepoint(f'savepoint "{name}" does not exist')
