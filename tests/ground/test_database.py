"""The engine: no lost update, no naive time, references enforced, GETs that cannot write."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, StatementError

from kap.accounts.models import Throttle
from kap.db import db, own_transaction, reading, transaction
from kap.patients.models import CareTeamMember
from tests.conftest import NOON, Cast


def test_simultaneous_writers_lose_nothing(app: Flask) -> None:
    with transaction() as session:
        session.add(Throttle(bucket="b", failures=0, since=NOON))

    def count() -> None:
        with app.app_context():
            for _ in range(25):
                with own_transaction() as session:
                    row = session.scalars(select(Throttle).with_for_update()).one()
                    row.failures += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.session.scalar(select(Throttle.failures)) == 100


def test_times_come_back_aware_and_in_utc(app: Flask) -> None:
    berlin = datetime(2026, 7, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    with transaction() as session:
        session.add(Throttle(bucket="b", failures=0, since=berlin))
    db.session.expire_all()
    since = db.session.scalars(select(Throttle.since)).one()
    assert (since, since.tzinfo) == (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), UTC)


def test_a_naive_time_is_refused(app: Flask) -> None:
    with pytest.raises(StatementError, match="time zone"), transaction() as session:
        session.add(Throttle(bucket="b", failures=0, since=datetime(2026, 7, 1)))


def test_a_reference_to_nothing_is_refused(app: Flask, cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(CareTeamMember(patient_id=cast.theo.id, user_id=cast.theo.id, joined_at=NOON))


def test_a_failed_transaction_leaves_nothing(app: Flask) -> None:
    def half_done() -> None:
        with transaction() as session:
            session.add(Throttle(bucket="b", failures=0, since=NOON))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert db.session.scalars(select(Throttle)).all() == []


def test_a_reader_does_not_wait_for_a_writer(app: Flask) -> None:
    with own_transaction() as session:
        session.add(Throttle(bucket="b", failures=0, since=NOON))
        session.flush()
        with reading():
            assert db.session.scalars(select(Throttle)).all() == []
        db.session.rollback()
    assert db.session.execute(update(Throttle).values(failures=1)).rowcount == 1  # type: ignore[attr-defined]
