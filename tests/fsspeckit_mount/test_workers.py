"""The elastic pool: everything runs, nothing is starved, idle threads go."""

from __future__ import annotations

import queue
import threading
import time
from functools import partial

import pytest

from fsspeckit_mount.workers import Workers


def _wait_until(condition: threading.Event) -> None:
    assert condition.wait(20)


def test_jobs_that_block_do_not_hold_up_others() -> None:
    workers = Workers("test", limit=64)
    gate, done = threading.Event(), threading.Event()
    for _ in range(20):
        workers.submit(lambda: _wait_until(gate))
    workers.submit(done.set)
    _wait_until(done)
    gate.set()


def test_one_key_cannot_take_every_thread() -> None:
    workers = Workers("test", limit=8, per_key=4)
    gate, other = threading.Event(), threading.Event()
    finished: queue.SimpleQueue[int] = queue.SimpleQueue()

    def wait_and_note(number: int) -> None:
        _wait_until(gate)
        finished.put(number)

    for number in range(30):
        workers.submit(partial(wait_and_note, number), key=1)
    workers.submit(other.set, key=2)
    _wait_until(other)
    assert finished.empty()
    gate.set()
    assert {finished.get(timeout=20) for _ in range(30)} == set(range(30))


def test_a_job_beyond_the_limit_runs_later() -> None:
    workers = Workers("test", limit=1)
    gate, done = threading.Event(), threading.Event()
    workers.submit(lambda: _wait_until(gate))
    workers.submit(done.set)
    assert not done.wait(0.05)
    gate.set()
    _wait_until(done)


def test_a_job_that_raises_costs_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers("test", limit=1)
    done = threading.Event()
    workers.submit(partial(int, "no number"))  # type: ignore[arg-type]
    workers.submit(done.set)
    _wait_until(done)
    assert "a job of the test workers failed" in caplog.text


def test_idle_threads_end_and_come_back() -> None:
    workers = Workers("test", limit=8, idle_s=0.05)
    for _ in range(3):
        done = threading.Event()
        workers.submit(done.set)
        _wait_until(done)
        deadline = time.monotonic() + 20
        while workers.thread_count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert workers.thread_count == 0


def test_many_quick_jobs_from_many_threads_all_run() -> None:
    workers = Workers("test", limit=4, per_key=2, idle_s=0.01)
    count, lock, done = [0], threading.Lock(), threading.Event()

    def job() -> None:
        with lock:
            count[0] += 1
            if count[0] == 4000:
                done.set()

    def submit(key: int) -> None:
        for _ in range(1000):
            workers.submit(job, key)

    threads = [threading.Thread(target=submit, args=(key,)) for key in (0, 1, 2, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _wait_until(done)
