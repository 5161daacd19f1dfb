"""Run-time parameters: what SHOW prints after SET is what a real PostgreSQL prints, and errors carry its SQLSTATE."""

from __future__ import annotations

import psycopg
import pytest

from fsspeckit_lib.errors import GatewayError
from fsspeckit_sqlserver.session.errors import ReadOnlySetting, UndefinedSetting
from fsspeckit_sqlserver.session.guc import SETTINGS
from fsspeckit_sqlserver.session.settings import SessionSettings
from fsspeckit_sqlserver.sqlstates import sqlstate

ACCEPTED = [
    ("DateStyle", "ISO, DMY"),
    ("DateStyle", "iso"),
    ("datestyle", "euro"),
    ("statement_timeout", "5s"),
    ("statement_timeout", "1500"),
    ("statement_timeout", "60000"),
    ("statement_timeout", "2min"),
    ("statement_timeout", "0"),
    ("lock_timeout", "1h"),
    ("idle_in_transaction_session_timeout", "1d"),
    ("extra_float_digits", "3"),
    ("standard_conforming_strings", "yes"),
    ("enable_seqscan", "off"),
    ("enable_seqscan", "TRUE"),
    ("client_encoding", "utf-8"),
    ("TimeZone", "Europe/Berlin"),
    ("TimeZone", "europe/berlin"),
    ("TimeZone", "UTC"),
    ("bytea_output", "ESCAPE"),
    ("IntervalStyle", "iso_8601"),
    ("application_name", "my app"),
    ("default_transaction_isolation", "Serializable"),
    ("xmloption", "document"),
    ("my.setting", "anything"),
]


@pytest.mark.parametrize(("name", "value"), ACCEPTED, ids=[f"{name} {value}" for name, value in ACCEPTED])
def test_shown_as_postgres_shows_it(postgres: str, name: str, value: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as oracle:
        oracle.execute("SELECT set_config(%s, %s, false)", (name, value))
        (expected,) = oracle.execute(f"SHOW {name}").fetchone() or ("",)
    settings = SessionSettings({})
    settings.set(name, value, local=False)
    assert settings.get(name) == expected


REFUSED = [
    *[("nonsense", "1"), ("server_version", "1"), ("statement_timeout", "soon"), ("statement_timeout", "-5")],
    *[("enable_seqscan", "perhaps"), ("TimeZone", "Mars/Olympus"), ("default_transaction_isolation", "total")],
    *[("extra_float_digits", "99"), ("DateStyle", "ISO, XYZ"), ("xmloption", "none"), ("max_connections", "5")],
]


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=[f"{name} {value}" for name, value in REFUSED])
def test_refused_as_postgres_refuses_it(postgres: str, name: str, value: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as oracle, pytest.raises(psycopg.Error) as theirs:
        oracle.execute("SELECT set_config(%s, %s, false)", (name, value))
    with pytest.raises(GatewayError) as ours:
        SessionSettings({}).set(name, value, local=False)
    assert sqlstate(ours.value) == theirs.value.sqlstate


def test_everything_named_here_is_a_parameter_of_postgres(postgres: str) -> None:
    with psycopg.connect(postgres) as oracle:
        theirs = {str(name).lower() for (name,) in oracle.execute("SELECT name FROM pg_settings")}
    of_16_and_later = {"scram_iterations", "transaction_timeout", "enable_presorted_aggregate"}
    not_listed = {"session_authorization", "role", "is_superuser"}
    assert set(SETTINGS) - theirs <= of_16_and_later | not_listed | {"fsspeckit.struct_format"}


def test_the_reported_ones_are_those_of_postgres(postgres: str) -> None:
    reported = {setting.name for setting in SETTINGS.values() if setting.reported}
    with psycopg.connect(postgres) as oracle:
        for name in reported - {"scram_iterations"}:  # new in 16
            assert oracle.info.parameter_status(name) is not None


class TestTransactions:
    def test_local_values_end_with_the_block(self) -> None:
        settings = SessionSettings({})
        settings.set("application_name", "before", local=False)
        settings.begin()
        settings.set("application_name", "inside", local=True)
        assert settings.get("application_name") == "inside"
        settings.commit()
        assert settings.get("application_name") == "before"

    def test_a_plain_set_after_a_local_one_stays(self) -> None:
        settings = SessionSettings({})
        settings.begin()
        settings.set("application_name", "inside", local=True)
        settings.set("application_name", "after", local=False)
        settings.commit()
        assert settings.get("application_name") == "after"

    def test_a_rollback_takes_everything_back(self) -> None:
        settings = SessionSettings({})
        settings.begin()
        settings.set("application_name", "x", local=False)
        settings.savepoint("s")
        settings.set("application_name", "y", local=False)
        settings.rollback_to("s")
        assert settings.get("application_name") == "x"
        settings.rollback()
        assert settings.get("application_name") == ""

    def test_transaction_characteristics_end_with_the_block(self) -> None:
        settings = SessionSettings({})
        settings.begin()
        settings.set("transaction_isolation", "serializable", local=False)
        settings.commit()
        assert settings.get("transaction_isolation") == "read committed"


def test_reset_returns_to_what_the_client_started_with() -> None:
    settings = SessionSettings({})
    settings.set_default("application_name", "started")
    settings.set("application_name", "changed", local=False)
    settings.set("application_name", None, local=False)
    assert settings.get("application_name") == "started"
    settings.set("TimeZone", "Asia/Tokyo", local=False)
    settings.reset_all()
    assert settings.get("timezone") == "UTC"


def test_errors_name_the_nearest() -> None:
    with pytest.raises(UndefinedSetting) as caught:
        SessionSettings({}).get("aplication_name")
    assert caught.value.hint == 'Perhaps you meant "application_name".'
    with pytest.raises(ReadOnlySetting):
        SessionSettings({}).set("server_version", None, local=False)


def test_the_style_follows_the_settings() -> None:
    settings = SessionSettings({})
    assert settings.style.time_zone == "UTC"
    settings.set("TimeZone", "Asia/Tokyo", local=False)
    settings.set("bytea_output", "escape", local=False)
    assert (settings.style.time_zone, settings.style.bytea_output) == ("Asia/Tokyo", "escape")
