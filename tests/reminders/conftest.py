"""What the tests of reminders share: a moment, and a mail server that works."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select
from time_machine import Traveller

from kap.db import db
from kap.jobs import periodic
from kap.mail.models import SentLetter
from tests.mail.postbox import postbox

__all__ = ["postbox"]

TODAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday, 13:00 in Berlin
Sweep = Callable[[], None]


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """It is noon on 20 November 2026 until a test says otherwise."""
    with time_machine.travel(TODAY, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def sweep(work: Callable[[], int], clock: Traveller) -> Sweep:
    """One turn of the sweep, and the letters it writes sent."""

    def turn() -> None:
        from kap.clock import now  # noqa: PLC0415 - the moment of the turn
        from kap.db import transaction  # noqa: PLC0415

        clock.shift(periodic.PERIODS["reminders.sweep"])
        with transaction():
            periodic.enqueue_due(at=now())
        work()
        db.session.rollback()
        db.session.expire_all()

    return turn


def letters() -> list[SentLetter]:
    """The delivery log, oldest first."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(SentLetter).order_by(SentLetter.made_at)))
