"""Tasks that run again and again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from kap.clock import now
from kap.db import db, transaction
from kap.jobs import periodic
from kap.jobs.models import Job, JobState

HOUR = timedelta(hours=1)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One such task, once an hour."""
    monkeypatch.setattr(periodic, "PERIODS", {"reminders.sweep": HOUR})


def states() -> list[JobState]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Job.state).where(Job.task == "reminders.sweep")))


def put_on_the_list(after: timedelta = timedelta()) -> None:
    with transaction():
        periodic.enqueue_due(at=now() + after)


def test_it_is_put_on_the_list_once_in_its_time(app: Flask, only: None, work: Callable[[], int]) -> None:
    put_on_the_list()
    put_on_the_list(HOUR * 2)  # one still waits
    assert states() == [JobState.WAITING]
    work()
    put_on_the_list()
    assert states() == [JobState.DONE]
    put_on_the_list(HOUR * 2)
    assert states() == [JobState.WAITING]  # and the old one is gone


def test_one_that_failed_does_not_stop_it(app: Flask, only: None) -> None:
    put_on_the_list()
    with transaction():
        db.session.scalars(select(Job)).one().state = JobState.FAILED
    put_on_the_list(HOUR * 2)
    assert states() == [JobState.WAITING]
