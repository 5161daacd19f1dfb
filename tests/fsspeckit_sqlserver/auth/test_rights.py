"""The patterns of `sqlserver.users.NAME.read`."""

from __future__ import annotations

import pytest

from fsspeckit_lib.errors import InvalidValue
from fsspeckit_lib.service.sqlserver_settings import SqlServerSettings
from fsspeckit_sqlserver.auth.configured import auth_config
from fsspeckit_sqlserver.auth.rights import EVERYTHING, ReadRights, parse_patterns

_TABLES = [("public", "trips"), ("sales", "trips"), ("sales", "a.b"), ("salesforce", "x"), ("hr", "pay_2024")]


@pytest.mark.parametrize(
    ("patterns", "covered"),
    [
        ([], []),
        (["*"], _TABLES),
        (["*.*"], _TABLES),
        (["trips"], [("public", "trips")]),
        (["SALES.*"], [("sales", "trips"), ("sales", "a.b")]),
        (["*.trips"], [("public", "trips"), ("sales", "trips")]),
        (["sales*.*", '"hr"."pay_*"'], [("sales", "trips"), ("sales", "a.b"), ("salesforce", "x"), ("hr", "pay_2024")]),
        (["sales.a.b"], [("sales", "a.b")]),
        (["sales.?rips", "sales.[t]rips", "s.les.trips"], []),  # only a star is more than itself
        (["sales.trip", "ales.trips"], []),
    ],
)
def test_what_a_pattern_means(patterns: list[str], covered: list[tuple[str, str]]) -> None:
    rights = ReadRights({"ann": parse_patterns(patterns, "x")})
    assert [table for table in _TABLES if rights.may_read("ann", *table)] == covered
    assert [table[1:] for table in rights.denied(_TABLES)] == [table for table in _TABLES if table not in covered]
    assert all(rights.may_read("bob", *table) for table in _TABLES)


@pytest.mark.parametrize("pattern", ["", ".", "sales.", ".trips", " "])
def test_half_a_name_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidValue, match=r"users\.ann\.read: found .* wanted schema\.table"):
        parse_patterns([pattern], "sqlserver.users.ann.read")


def test_from_the_configuration() -> None:
    users = {"ann": {"read": ["sales.*"]}, "bob": {}, "eve": {"read": []}, "one": {"read": "trips"}}
    rights = auth_config(SqlServerSettings.model_validate({"users": users}), "127.0.0.1").rights
    assert [name for name in (*users, "other") if rights.may_read(name, "sales", "trips")] == ["ann", "bob", "other"]
    assert [name for name in (*users, "other") if rights.may_read(name, "public", "trips")] == ["bob", "one", "other"]


def test_patterns_without_a_table_are_told() -> None:
    rights = ReadRights({"ann": parse_patterns(["sales.*", "slaes.*"], "x")})
    assert rights.idle(_TABLES) == [("ann", "slaes.*")]
    assert not EVERYTHING.idle(_TABLES)
    assert not EVERYTHING.denied(_TABLES)
