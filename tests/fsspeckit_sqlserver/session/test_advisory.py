"""Advisory locks between sessions: exclusive, shared, counted, given back."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from psycopg import errors

from fsspeckit_sqlserver.session.advisory import AdvisoryLocks
from tests.fsspeckit_sqlserver.conftest import RunningServer


def test_exclusive_and_shared() -> None:
    locks, one, other = AdvisoryLocks(), object(), object()
    assert locks.take(one, (1,), is_shared=True, check=None)
    assert locks.take(other, (1,), is_shared=True, check=None)
    assert not locks.take(other, (1,), is_shared=False, check=None)
    assert locks.release(one, (1,), is_shared=True)
    assert locks.take(other, (1,), is_shared=False, check=None)
    assert not locks.take(one, (1,), is_shared=True, check=None)
    assert locks.take(one, (1, 0), is_shared=False, check=None)  # another space
    locks.release_all(other)
    assert locks.take(one, (1,), is_shared=False, check=None)


def test_locks_are_counted() -> None:
    locks, one, other = AdvisoryLocks(), object(), object()
    for _ in range(2):
        assert locks.take(one, (7,), is_shared=False, check=None)
    assert locks.release(one, (7,), is_shared=False)
    assert not locks.take(other, (7,), is_shared=False, check=None)
    assert locks.release(one, (7,), is_shared=False)
    assert not locks.release(one, (7,), is_shared=False)
    assert locks.take(other, (7,), is_shared=False, check=None)


def test_sessions_wait_for_each_other(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn, autocommit=True) as one, psycopg.connect(gateway.dsn, autocommit=True) as other:
        one.execute("SELECT pg_advisory_lock(5)")
        assert other.execute("SELECT pg_try_advisory_lock(5)").fetchone() == (False,)
        other.execute("SET statement_timeout = '200ms'")
        with pytest.raises(errors.QueryCanceled):
            other.execute("SELECT pg_advisory_lock(5)")
        other.execute("SET statement_timeout = 0")
        taken = threading.Event()

        def wait() -> None:
            other.execute("SELECT pg_advisory_lock(5)")
            taken.set()

        waiter = threading.Thread(target=wait)
        waiter.start()
        time.sleep(0.2)
        assert not taken.is_set()
        one.close()  # whoever leaves gives everything back
        waiter.join(10)
        assert taken.is_set()


def test_transaction_locks_end_with_it(gateway: RunningServer) -> None:
    with psycopg.connect(gateway.dsn) as one, psycopg.connect(gateway.dsn, autocommit=True) as other:
        one.execute("SELECT pg_advisory_xact_lock(6)")
        assert other.execute("SELECT pg_try_advisory_lock(6)").fetchone() == (False,)
        one.rollback()
        assert other.execute("SELECT pg_try_advisory_lock(6), pg_advisory_unlock(6)").fetchone() == (True, True)
