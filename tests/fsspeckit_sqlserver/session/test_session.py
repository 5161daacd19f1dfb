"""Conversations: what a client says, and what it hears."""

from __future__ import annotations

import pytest

from fsspeckit_lib.errors import BadInput, Cancelled, ReadOnly
from fsspeckit_sqlserver.wire import frontend as fe
from fsspeckit_sqlserver.wire.fields import FramingError, MalformedMessage
from fsspeckit_sqlserver.wire.phases import Phase
from tests.fsspeckit_sqlserver.session.playbook import Stage, ready_stage

Q = fe.Query
SYNC = fe.Sync()


def extended(sql: str, *parameters: bytes | None, rows: int = 0) -> tuple[fe.FrontendMessage, ...]:
    return fe.Parse("", sql, ()), fe.Bind("", "", (), parameters, ()), fe.Describe("P", ""), fe.Execute("", rows), SYNC


class TestStartup:
    def test_plain(self) -> None:
        stage = Stage()
        heard = stage.play(fe.StartupMessage(3, 0, {"user": "me", "database": "db", "application_name": "app"}))
        assert heard[0] == "welcome"
        assert heard[-2:] == ["keys 7 4", "ready I"]
        assert {"server_encoding=UTF8", "session_authorization=me", "application_name=app", "DateStyle=ISO, MDY"} < set(
            heard
        )
        assert stage.asked[0] == "open me db"
        assert "set TimeZone=UTC" in stage.asked

    def test_encryption_is_declined_and_the_client_goes_on(self) -> None:
        stage = Stage()
        heard = stage.play(fe.GssEncRequest(), fe.SslRequest(), fe.StartupMessage(3, 0, {"user": "me"}))
        assert heard[:3] == ["N", "N", "welcome"]

    def test_the_database_is_the_user_by_default(self) -> None:
        stage = Stage()
        stage.play(fe.StartupMessage(3, 0, {"user": "me"}))
        assert stage.asked[0] == "open me me"

    @pytest.mark.parametrize(
        ("minor", "parameters", "expected"),
        [
            (0, {}, ["welcome"]),
            (2, {}, ["welcome"]),
            (1, {}, ["negotiate 3.0", "welcome"]),
            (9999, {}, ["negotiate 3.2", "welcome"]),
            (0, {"_pq_.shout": "on"}, ["negotiate 3.0 _pq_.shout", "welcome"]),
        ],
    )
    def test_versions_are_negotiated(self, minor: int, parameters: dict[str, str], expected: list[str]) -> None:
        heard = Stage().play(fe.StartupMessage(3, minor, {"user": "me", **parameters}))
        assert heard[: len(expected)] == expected

    def test_protocol_3_2_has_long_keys(self) -> None:
        assert "keys 7 32" in Stage().play(fe.StartupMessage(3, 2, {"user": "me"}))

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            (fe.StartupMessage(2, 0, {}), "0A000"),
            (fe.StartupMessage(3, 0, {}), "28000"),
            (fe.StartupMessage(3, 0, {"user": "me", "replication": "database"}), "0A000"),
            (fe.StartupMessage(3, 0, {"user": "me", "client_encoding": "LATIN1"}), "0A000"),
            (fe.StartupMessage(3, 0, {"user": "me", "nonsense": "1"}), "42704"),
            (fe.StartupMessage(3, 0, {"user": "me", "options": "-x"}), "0A000"),
            (fe.Query("select 1"), "08P01"),
        ],
    )
    def test_what_cannot_be_served_ends_the_connection(self, message: fe.FrontendMessage, code: str) -> None:
        stage = Stage()
        assert stage.play(message, fe.Query("select 1")) == [f"FATAL {code}", "closed"]
        assert stage.session.phase is Phase.CLOSED

    def test_options_set_parameters(self) -> None:
        options = r"-c statement_timeout=5s --time-zone=x -csearch_path=a\ b"
        stage = Stage()
        assert stage.play(fe.StartupMessage(3, 0, {"user": "me", "options": options}))[0] == "FATAL 42704"
        stage = Stage()
        stage.play(
            fe.StartupMessage(3, 0, {"user": "me", "options": options.replace("--time-zone=x ", "--TimeZone=UTC ")})
        )
        assert {"set statement_timeout=5s", "set search_path=a b"} < set(stage.asked)

    def test_cancel_comes_on_a_connection_of_its_own(self) -> None:
        stage = Stage()
        assert stage.play(fe.CancelRequest(7, b"kkkk")) == ["closed"]
        assert stage.asked == ["cancel 7 kkkk"]


class TestSimpleQuery:
    def test_rows(self) -> None:
        stage = ready_stage({"SELECT 1": 250})
        assert stage.play(Q("SELECT 1")) == ["columns i", "250 rows", "SELECT 250", "ready I"]
        assert stage.started[0].is_closed

    def test_no_rows(self) -> None:
        assert ready_stage({"SELECT 1": 0}).play(Q("SELECT 1")) == ["columns i", "SELECT 0", "ready I"]

    def test_nothing(self) -> None:
        assert ready_stage().play(Q(" ; -- x")) == ["empty", "ready I"]

    def test_a_statement_without_a_result(self) -> None:
        stage = ready_stage({"CREATE TEMP TABLE t (i int)": None})
        assert stage.play(Q("CREATE TEMP TABLE t (i int)")) == ["CREATE TABLE", "ready I"]

    def test_an_error(self) -> None:
        stage = ready_stage(errors={"SELECT 2": ReadOnly("no")})
        assert stage.play(Q("SELECT 2"), Q("SELECT 1"))[:2] == ["ERROR 25006", "ready I"]

    def test_a_syntax_error_anywhere_runs_nothing(self) -> None:
        stage = ready_stage()
        assert stage.play(Q("SELECT 1; SELEC 2")) == ["ERROR 42601", "ready I"]
        assert stage.asked == []

    def test_several_statements_share_a_transaction(self) -> None:
        stage = ready_stage()
        heard = stage.play(Q("SELECT 1; SELECT 2"))
        assert heard == ["columns i", "1 rows", "SELECT 1", "columns i", "1 rows", "SELECT 1", "ready I"]
        assert stage.asked == ["begin", "start SELECT 1", "start SELECT 2", "commit"]

    def test_several_statements_fail_together(self) -> None:
        stage = ready_stage(errors={"SELECT 2": BadInput("no")})
        heard = stage.play(Q("SELECT 1; SELECT 2; SELECT 3"))
        assert heard[-2:] == ["ERROR 22023", "ready I"]
        assert stage.asked == ["begin", "start SELECT 1", "start SELECT 2", "rollback"]

    def test_begin_among_several_opens_a_real_block(self) -> None:
        stage = ready_stage()
        assert stage.play(Q("SELECT 1; BEGIN; SELECT 2"))[-1] == "ready T"
        assert stage.asked == ["begin", "start SELECT 1", "start SELECT 2"]
        assert stage.play(Q("COMMIT")) == ["COMMIT", "ready I"]

    def test_cancelled(self) -> None:
        stage = ready_stage(errors={"SELECT 1": Cancelled("stop")})
        assert stage.play(Q("SELECT 1")) == ["ERROR 57014", "ready I"]

    def test_a_timeout_is_set_for_each_statement(self) -> None:
        stage = ready_stage()
        stage.play(Q("SET statement_timeout TO '2s'"))
        stage.asked.clear()
        stage.play(Q("SELECT 1; SELECT 2"))
        assert stage.asked.count("deadline 2000") == 2

    def test_a_timeout_is_set_each_time_a_portal_goes_on(self) -> None:
        stage = ready_stage({"SELECT 1": 5})
        stage.play(Q("SET statement_timeout TO '2s'"), Q("BEGIN"))
        stage.asked.clear()
        stage.play(*extended("SELECT 1", rows=2)[:-1], fe.Execute("", 2), SYNC)
        assert stage.asked.count("deadline 2000") == 3  # Parse, and two times Execute


class TestTransactions:
    def test_begin_costs_the_engine_nothing(self) -> None:
        stage = ready_stage()
        assert stage.play(Q("BEGIN"), Q("COMMIT")) == ["BEGIN", "ready T", "COMMIT", "ready I"]
        assert stage.asked == []

    def test_a_failed_block_takes_its_end_only(self) -> None:
        stage = ready_stage(errors={"SELECT 2": BadInput("no")})
        heard = stage.play(Q("BEGIN"), Q("SELECT 2"), Q("SELECT 1"), Q("BEGIN"), Q("SHOW ALL"), Q("COMMIT"))
        assert heard == [
            *("BEGIN", "ready T", "ERROR 22023", "ready E", "ERROR 25P02", "ready E", "ERROR 25P02", "ready E"),
            *("ERROR 25P02", "ready E", "ROLLBACK", "ready I"),
        ]
        assert stage.asked == ["begin", "start SELECT 2", "rollback"]

    def test_savepoints(self) -> None:
        stage = ready_stage(errors={"SELECT 2": BadInput("no")})
        heard = stage.play(
            *map(Q, ("BEGIN", "SAVEPOINT a", "SELECT 2", "ROLLBACK TO a", "SELECT 1", "RELEASE a", "ROLLBACK TO a"))
        )
        assert heard[2:8] == ["SAVEPOINT", "ready T", "ERROR 22023", "ready E", "ROLLBACK", "ready T"]
        assert heard[-4:] == ["RELEASE", "ready T", "ERROR 3B001", "ready E"]

    def test_the_engine_knows_the_savepoints(self) -> None:
        create = "CREATE TEMP TABLE t (i int)"
        stage = ready_stage({create: None})
        stage.play(*map(Q, ("BEGIN", "SAVEPOINT a", create, "SAVEPOINT b", "RELEASE b", "SAVEPOINT c", "SAVEPOINT d")))
        assert stage.play(*map(Q, ("ROLLBACK TO c", "ROLLBACK TO a", "ROLLBACK")))[-1] == "ready I"
        assert stage.asked == [
            *("begin", f"start {create}", "nest 2", "nest 1", "nest 2", "nest 3", "undo 2", "undo 1", "rollback")
        ]

    def test_cursors_end_with_the_savepoint_they_were_made_in(self) -> None:
        stage = ready_stage()
        stage.play(*map(Q, ("BEGIN", "DECLARE one CURSOR FOR SELECT 1", "SAVEPOINT a")))
        stage.play(*map(Q, ("DECLARE two CURSOR FOR SELECT 1", "ROLLBACK TO a", "DECLARE three CURSOR FOR SELECT 1")))
        assert stage.play(*map(Q, ("RELEASE a", "CLOSE one", "CLOSE three", "CLOSE two")))[-8:] == [
            *("RELEASE", "ready T", "CLOSE CURSOR", "ready T", "CLOSE CURSOR", "ready T", "ERROR 34000", "ready E")
        ]

    def test_chain_opens_the_next_block(self) -> None:
        assert ready_stage().play(Q("BEGIN"), Q("COMMIT AND CHAIN")) == ["BEGIN", "ready T", "COMMIT", "ready T"]

    def test_needless_statements_warn(self) -> None:
        assert ready_stage().play(Q("ROLLBACK")) == ["WARNING 25P01", "ROLLBACK", "ready I"]
        assert ready_stage().play(Q("BEGIN"), Q("BEGIN"))[2:] == ["WARNING 25001", "BEGIN", "ready T"]

    def test_a_rollback_takes_settings_back_and_tells_both_sides(self) -> None:
        stage = ready_stage()
        heard = stage.play(Q("BEGIN"), Q("SET TimeZone TO 'Asia/Tokyo'"), Q("ROLLBACK"))
        assert heard == [
            *("BEGIN", "ready T", "TimeZone=Asia/Tokyo", "SET", "ready T", "TimeZone=UTC", "ROLLBACK", "ready I"),
        ]
        assert stage.asked == ["set TimeZone=Asia/Tokyo", "set TimeZone=UTC"]


class TestExtendedQuery:
    def test_whole_sequence(self) -> None:
        stage = ready_stage()
        heard = stage.play(*extended("SELECT $1", b"5"))
        assert heard == ["parsed", "bound", "columns i", "1 rows", "SELECT 1", "ready I"]
        assert stage.asked == ["describe SELECT $1", "start SELECT $1 (5,)"]
        assert stage.started[0].is_closed

    def test_describe_runs_nothing(self) -> None:
        stage = ready_stage()
        heard = stage.play(fe.Parse("s", "SELECT $1, $2", (25,)), fe.Describe("S", "s"), SYNC)
        assert heard == ["parsed", "parameters 25 20", "columns i", "ready I"]
        assert stage.asked == ["describe SELECT $1, $2"]

    def test_empty_statement(self) -> None:
        assert ready_stage().play(*extended("")) == ["parsed", "bound", "no data", "empty", "ready I"]

    def test_no_data(self) -> None:
        assert ready_stage().play(*extended("BEGIN")) == ["parsed", "bound", "no data", "BEGIN", "ready T"]

    def test_show_is_described(self) -> None:
        heard = ready_stage().play(*extended("SHOW timezone"))
        assert heard == ["parsed", "bound", "columns TimeZone", "1 rows", "SHOW", "ready I"]

    def test_row_limits_suspend_and_go_on(self) -> None:
        stage = ready_stage({"SELECT 1": 5})
        more = fe.Execute("", 2)
        heard = stage.play(Q("BEGIN"), *extended("SELECT 1", rows=2)[:-1], more, more, more, SYNC)[2:]
        assert heard == [
            *("parsed", "bound", "columns i", "2 rows", "suspended", "2 rows", "suspended", "1 rows", "SELECT 1"),
            *("SELECT 0", "ready T"),
        ]
        assert stage.asked.count("start SELECT 1") == 1

    def test_outside_a_block_sync_ends_portals(self) -> None:
        stage = ready_stage({"SELECT 1": 5})
        heard = stage.play(*extended("SELECT 1", rows=2), fe.Execute("", 2), SYNC)
        assert heard[-2:] == ["ERROR 34000", "ready I"]
        assert stage.started[0].is_closed

    def test_inside_a_block_portals_live_until_its_end(self) -> None:
        stage = ready_stage({"SELECT 1": 5})
        heard = stage.play(Q("BEGIN"), *extended("SELECT 1", rows=2), fe.Execute("", 0), SYNC, Q("COMMIT"))
        assert heard[-5:] == ["3 rows", "SELECT 3", "ready T", "COMMIT", "ready I"]
        assert stage.started[0].is_closed

    def test_after_an_error_everything_is_skipped_to_sync(self) -> None:
        stage = ready_stage(errors={"SELECT 2": BadInput("no")})
        heard = stage.play(*extended("SELECT 2")[:-1], Q("SELECT 1"), fe.Flush(), SYNC, *extended("SELECT 1"))
        assert heard == ["ERROR 22023", "ready I", "parsed", "bound", "columns i", "1 rows", "SELECT 1", "ready I"]

    def test_pipelined_sequences_fail_on_their_own(self) -> None:
        stage = ready_stage(errors={"SELECT 2": BadInput("no")})
        heard = stage.play(*extended("SELECT 1"), *extended("SELECT 2"), *extended("SELECT 3"))
        assert [word for word in heard if word.startswith(("ready", "ERROR"))] == [
            "ready I",
            "ERROR 22023",
            "ready I",
            "ready I",
        ]

    def test_named_statements(self) -> None:
        stage = ready_stage()
        parse, bind = fe.Parse("s", "SELECT $1", ()), fe.Bind("", "s", (), (b"1",), ())
        heard = stage.play(parse, SYNC, bind, fe.Execute("", 0), bind, fe.Execute("", 0), SYNC, parse, SYNC)
        assert heard == [
            *("parsed", "ready I", "bound", "1 rows", "SELECT 1", "bound", "1 rows", "SELECT 1", "ready I"),
            *("ERROR 42P05", "ready I"),
        ]
        assert stage.play(fe.Close("S", "s"), fe.Close("S", "s"), bind, SYNC) == [
            *("forgotten", "forgotten", "ERROR 26000", "ready I"),
        ]

    def test_several_statements_cannot_be_prepared(self) -> None:
        assert ready_stage().play(*extended("SELECT 1; SELECT 2")) == ["ERROR 42601", "ready I"]

    @pytest.mark.parametrize(
        "bind",
        [
            fe.Bind("", "", (), (), ()),  # no parameter
            fe.Bind("", "", (), (b"1", b"2"), ()),  # one too many
            fe.Bind("", "", (), (b"1",), (0, 0)),  # two formats for one column
        ],
    )
    def test_bind_must_fit(self, bind: fe.Bind) -> None:
        heard = ready_stage().play(fe.Parse("", "SELECT $1", ()), bind, SYNC)
        assert heard == ["parsed", "ERROR 08P01", "ready I"]

    def test_a_parameter_that_is_no_value(self) -> None:
        heard = ready_stage().play(fe.Parse("", "SELECT $1", ()), fe.Bind("", "", (), (b"x",), ()), SYNC)
        assert heard == ["parsed", "ERROR 22P02", "ready I"]

    def test_in_a_failed_block_only_its_end_is_parsed(self) -> None:
        stage = ready_stage(errors={"SELECT 2": BadInput("no")})
        heard = stage.play(Q("BEGIN"), Q("SELECT 2"), *extended("SELECT 1"), *extended("ROLLBACK"))
        assert heard[4:] == ["ERROR 25P02", "ready E", "parsed", "bound", "no data", "ROLLBACK", "ready I"]

    def test_function_calls_are_refused(self) -> None:
        assert ready_stage().play(fe.FunctionCall(b"")) == ["ERROR 0A000", "ready I"]

    def test_rests_of_a_copy_are_dropped(self) -> None:
        assert ready_stage().play(fe.CopyData(b"x"), fe.CopyDone(), fe.CopyFail("y")) == []


class TestStatementsOfTheSession:
    def test_set_and_show(self) -> None:
        stage = ready_stage()
        heard = stage.play(Q("SET application_name = 'x'"), Q("SHOW application_name"))
        assert heard == [
            "application_name=x",
            "SET",
            "ready I",
            "columns application_name",
            "1 rows",
            "SHOW",
            "ready I",
        ]

    def test_set_config_sets(self) -> None:
        stage = ready_stage()
        heard = stage.play(*extended("SELECT set_config($1, $2, false)", b"TimeZone", b"Asia/Tokyo"))
        assert heard == [
            "parsed",
            "bound",
            "columns set_config",
            "TimeZone=Asia/Tokyo",
            "1 rows",
            "SELECT 1",
            "ready I",
        ]

    def test_sql_cursors(self) -> None:
        stage = ready_stage({"SELECT i": 5})
        heard = stage.play(
            *map(
                Q,
                (
                    "BEGIN",
                    "DECLARE c CURSOR FOR SELECT i",
                    "FETCH 2 FROM c",
                    "MOVE 1 FROM c",
                    "FETCH ALL FROM c",
                    "CLOSE c",
                ),
            )
        )
        assert heard[2:] == [
            *("DECLARE CURSOR", "ready T", "columns i", "2 rows", "FETCH 2", "ready T", "MOVE 1", "ready T"),
            *("columns i", "2 rows", "FETCH 2", "ready T", "CLOSE CURSOR", "ready T"),
        ]
        assert stage.started[0].is_closed

    def test_cursors_cannot_go_back(self) -> None:
        heard = ready_stage().play(*map(Q, ("BEGIN", "DECLARE c CURSOR FOR SELECT i", "FETCH BACKWARD 1 FROM c")))
        assert heard[-2:] == ["ERROR 55000", "ready E"]

    def test_a_cursor_needs_a_block_unless_held(self) -> None:
        stage = ready_stage()
        assert stage.play(Q("DECLARE c CURSOR FOR SELECT i")) == ["ERROR 25P01", "ready I"]
        assert stage.play(Q("DECLARE c CURSOR WITH HOLD FOR SELECT i"), Q("FETCH c"))[-2:] == ["FETCH 1", "ready I"]

    def test_sql_prepare(self) -> None:
        stage = ready_stage()
        assert stage.play(Q("PREPARE p AS SELECT 1"), Q("EXECUTE p"), Q("DEALLOCATE p"), Q("EXECUTE p")) == [
            *("PREPARE", "ready I", "columns i", "1 rows", "SELECT 1", "ready I", "DEALLOCATE", "ready I"),
            *("ERROR 26000", "ready I"),
        ]

    def test_discard_all_opens_the_engine_anew_only_after_writes(self) -> None:
        create = "CREATE TEMP TABLE t (i int)"
        stage = ready_stage({create: None})
        assert stage.play(Q("DISCARD ALL")) == ["DISCARD ALL", "ready I"]
        assert "reset" not in stage.asked
        stage.play(Q(create), Q("DISCARD ALL"))
        assert "reset" in stage.asked
        assert stage.play(Q("BEGIN"), Q("DISCARD ALL"))[2:] == ["ERROR 25001", "ready E"]

    @pytest.mark.parametrize(
        ("sql", "verb"),
        [("LISTEN x", "LISTEN"), ("UNLISTEN *", "UNLISTEN"), ("NOTIFY x, 'y'", "NOTIFY"), ("RESET ALL", "RESET")],
    )
    def test_accepted(self, sql: str, verb: str) -> None:
        assert ready_stage().play(Q(sql)) == [verb, "ready I"]


class TestBrokenPeers:
    def test_a_malformed_query_is_answered_and_the_connection_lives(self) -> None:
        error = MalformedMessage("x")
        error.tag = b"Q"
        assert ready_stage().play(error, Q("SELECT 1"))[:3] == ["ERROR 08P01", "ready I", "columns i"]

    def test_a_malformed_bind_skips_to_sync(self) -> None:
        error = MalformedMessage("x")
        error.tag = b"B"
        assert ready_stage().play(error, fe.Execute("", 0), SYNC) == ["ERROR 08P01", "ready I"]

    def test_a_broken_stream_ends_the_connection(self) -> None:
        assert ready_stage().play(FramingError("x"), Q("SELECT 1")) == ["FATAL 08P01", "closed"]

    def test_a_second_startup_ends_the_connection(self) -> None:
        assert ready_stage().play(fe.StartupMessage(3, 0, {"user": "x"})) == ["FATAL 08P01", "closed"]

    def test_a_client_that_leaves_frees_everything(self) -> None:
        stage = ready_stage({"SELECT 1": 5})
        stage.play(Q("BEGIN"), *extended("SELECT 1", rows=2), fe.Terminate())
        stage.leave()
        assert stage.started[0].is_closed
        assert stage.asked[-1] == "rollback"
