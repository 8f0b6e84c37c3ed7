"""Jobs: in the caller's transaction, claimed once, finished or tried again, never lost."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from huey.registry import Message
from sqlalchemy import select

from kap.clock import now
from kap.db import db, own_transaction, transaction
from kap.jobs import queue
from kap.jobs.models import Job, JobState
from kap.jobs.registry import TASKS, Progress, TaskFailed, task
from kap.jobs.run import UNEXPECTED, perform
from kap.jobs.signals import JSONSerializer

LEASE = timedelta(seconds=30)
seen: list[str] = []


@pytest.fixture(autouse=True)
def tasks() -> Iterator[None]:
    before = dict(TASKS)
    seen.clear()

    @task("test.note")
    def note(progress: Progress, *, word: str) -> None:
        progress(0.5, "half-way")
        seen.append(word)

    @task("test.refuse", on_failure=lambda job, sentence: seen.append(sentence))
    def refuse(progress: Progress) -> None:
        raise TaskFailed("The file is not there.")

    @task("test.break", attempts=2)
    def break_down(progress: Progress) -> None:
        seen.append("tried")
        raise RuntimeError("with Pia's name in it")

    yield
    TASKS.clear()
    TASKS.update(before)


def _add(name: str, **arguments: str) -> UUID:
    with transaction():
        job = queue.enqueue(name, practice_id=None, about=None, run_at=None, **arguments)
    return job.id


def _row(job_id: UUID) -> Job:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Job, job_id)


def test_a_job_is_done_once_and_says_so(app: Flask, work: Callable[[], int]) -> None:
    job_id = _add("test.note", word="one")
    assert work() == 1
    row = _row(job_id)
    assert (row.state, row.progress, row.step, row.attempts, seen) == (
        JobState.DONE,
        1.0,
        "half-way",
        1,
        ["one"],
    )
    assert work() == 0


def test_a_change_that_rolls_back_takes_its_job_with_it(app: Flask, work: Callable[[], int]) -> None:
    queue.enqueue("test.note", practice_id=None, word="never")
    db.session.rollback()
    assert work() == 0


def test_of_many_workers_one_gets_the_job(app: Flask) -> None:
    job_id = _add("test.note", word="one")
    got: list[Job | None] = []

    def claim() -> None:
        with app.app_context():
            got.append(queue.claim(job_id, lease=LEASE))

    threads = [threading.Thread(target=claim) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(job is not None for job in got) == 1


def test_a_job_whose_worker_was_killed_is_done_by_another(app: Flask, work: Callable[[], int]) -> None:
    job_id = _add("test.note", word="one")
    assert queue.claim(job_id, lease=LEASE) is not None  # and the worker is gone
    assert work() == 0
    with time_machine.travel(now() + LEASE + timedelta(seconds=1), tick=True):
        assert work() == 1
    assert (_row(job_id).state, _row(job_id).attempts, seen) == (JobState.DONE, 2, ["one"])


def test_a_final_failure_tells_the_task_and_is_not_tried_again(app: Flask, work: Callable[[], int]) -> None:
    job_id = _add("test.refuse")
    assert work() == 1
    assert (_row(job_id).state, _row(job_id).error) == (JobState.FAILED, "The file is not there.")
    assert seen == ["The file is not there."]
    assert work() == 0


def test_an_unexpected_failure_is_tried_again_later_and_then_given_up(
    app: Flask, work: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = _add("test.break")
    work()
    assert _row(job_id).state is JobState.WAITING
    assert work() == 0
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        work()
    assert (_row(job_id).state, _row(job_id).error, seen) == (JobState.FAILED, UNEXPECTED, ["tried", "tried"])
    assert "Pia" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_job_from_a_newer_version_fails_with_a_sentence(app: Flask, work: Callable[[], int]) -> None:
    job_id = _add("test.note", word="one")
    del TASKS["test.note"]
    work()
    assert _row(job_id).error == "This version of Kap does not know how to do this."


def test_a_worker_told_to_stop_gives_the_job_back(app: Flask) -> None:
    @task("test.stop")
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    job_id = _add("test.stop")
    with pytest.raises(KeyboardInterrupt):
        perform(app, job_id, lease=LEASE)
    assert (_row(job_id).state, _row(job_id).attempts) == (JobState.WAITING, 0)


def test_who_lost_the_lease_can_end_nothing(app: Flask) -> None:
    @task("test.slow")
    def slow(progress: Progress) -> None:
        with own_transaction() as session:  # another worker takes over meanwhile
            session.scalars(select(Job)).one().attempts += 1

    job_id = _add("test.slow")
    perform(app, job_id, lease=LEASE)
    assert (_row(job_id).state, _row(job_id).attempts) == (JobState.RUNNING, 2)


def test_arguments_that_could_hold_content_are_refused(app: Flask) -> None:
    with pytest.raises(ValueError, match="not plain"):
        queue.enqueue("test.note", practice_id=None, word="a sentence someone wrote " * 10)


def test_the_queue_being_down_does_not_undo_the_change(app: Flask, work: Callable[[], int]) -> None:
    def down(_: str) -> None:
        raise OSError

    app.extensions["kap.signal"] = down
    _add("test.note", word="one")
    assert work() == 1


def test_signals_are_json(tmp_path: Path) -> None:
    serializer = JSONSerializer()
    message = Message("id", "perform", None, 0, 0, None, ["job"], {}, None, None, None, None)
    data = serializer.serialize(message)
    assert json.loads(data)["message"]["args"] == ["job"]
    assert serializer.deserialize(data)._replace() == message
