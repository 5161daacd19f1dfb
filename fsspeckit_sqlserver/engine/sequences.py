"""`nextval`, `currval`, `setval` and `lastval` of temporary sequences, as DuckDB is to be asked. Pure."""

from __future__ import annotations

from typing import Final, Protocol

from postgast import pg_query_pb2 as pb

from fsspeckit_sqlserver.engine.errors import UndefinedTable, UnsupportedStatement, WrongState
from fsspeckit_sqlserver.engine.trees import names_of, replace_node, string, walk

__all__ = ["SEQUENCE_FUNCTIONS", "keep_sequences", "point_at_sequence", "quiet_sequences"]

SEQUENCE_FUNCTIONS: Final = frozenset({"nextval", "currval", "setval", "lastval"})


class Sequences(Protocol):
    """The sequences of a session."""

    @property
    def last_sequence(self) -> str: ...

    def use_sequence(self, name: str, *, gives: bool) -> bool: ...

    def is_silent(self, name: str) -> bool: ...


def point_at_sequence(function: pb.FuncCall, sequences: Sequences) -> None:
    """Let a call name DuckDB's function and sequence.

    Raises:
        UndefinedTable: there is no such sequence.
        WrongState: `lastval` before any `nextval`.
        UnsupportedStatement: the name is no constant.
    """
    parts = names_of(function.funcname)
    if parts[0] == "gw_sequence":
        return
    name = parts[-1]
    if name == "lastval" and not function.args:
        last = sequences.last_sequence
        if not last or not sequences.use_sequence(last, gives=False):
            raise WrongState("lastval is not yet defined in this session")
        name, sequence = "currval", last
        function.args.add()
    elif not function.args:
        return
    else:
        argument = function.args[0]
        while argument.WhichOneof("node") == "type_cast":
            argument = argument.type_cast.arg
        if argument.a_const.WhichOneof("val") != "sval":
            raise UnsupportedStatement(f"{name} takes the name of a sequence as a constant")
        text = argument.a_const.sval.sval
        sequence = text.rpartition(".")[2]
        sequence = sequence[1:-1] if sequence.startswith('"') else sequence.lower()
        if not sequences.use_sequence(sequence, gives=name == "nextval"):
            place = argument.a_const.location + 1
            raise UndefinedTable(f'relation "{text}" does not exist', None, place)
        if name == "currval" and sequences.is_silent(sequence):
            raise WrongState(f'currval of sequence "{sequence}" is not yet defined in this session')
    quoted = sequence.replace('"', '""')
    replace_node(function.args[0], string(f'temp.main."{quoted}"'))
    del function.funcname[:]
    for part in ("gw_sequence", name):
        function.funcname.add().string.sval = part


def keep_sequences(node: pb.Node, sequences: Sequences) -> None:
    """Let the defaults of a definition name DuckDB's function and sequence; nothing takes a number now."""
    last = sequences.last_sequence
    for part in walk(node):
        if isinstance(part, pb.FuncCall) and names_of(part.funcname)[-1] in SEQUENCE_FUNCTIONS:
            point_at_sequence(part, sequences)
    if last and last != sequences.last_sequence:
        sequences.use_sequence(last, gives=True)


def quiet_sequences(node: pb.Node) -> None:
    """Let a statement in DuckDB's dialect take no number: DuckDB runs what takes one even to tell its columns."""
    for part in walk(node):
        if isinstance(part, pb.FuncCall) and names_of(part.funcname) in {("nextval",), ("setval",)}:
            part.funcname[0].string.sval = "currval"
            del part.args[1:]
