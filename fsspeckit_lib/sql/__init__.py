"""SQL conditions as predicates: parse (`where`), bind to a schema (`bind`), decide what to read (`pruning`)."""

from fsspeckit_lib.sql.bind import BoundPredicate, bind, columns_of, may_match_nulls
from fsspeckit_lib.sql.bounds import Bounds
from fsspeckit_lib.sql.domains import Domain, Kind, Literal
from fsspeckit_lib.sql.parsing import StatementTooComplex, parse_tree
from fsspeckit_lib.sql.predicates import ANYTHING, Predicate, conjunction
from fsspeckit_lib.sql.pruning import may_match
from fsspeckit_lib.sql.tables import table_names
from fsspeckit_lib.sql.where import conjuncts, parse_where

__all__ = [
    "ANYTHING",
    "BoundPredicate",
    "Bounds",
    "Domain",
    "Kind",
    "Literal",
    "Predicate",
    "StatementTooComplex",
    "bind",
    "columns_of",
    "conjunction",
    "conjuncts",
    "may_match",
    "may_match_nulls",
    "parse_tree",
    "parse_where",
    "table_names",
]
