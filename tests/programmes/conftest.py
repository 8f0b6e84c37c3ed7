"""Pia has a programme; her sessions are planned, moved and held around a day that the tests choose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import event

from kap.clock import from_wall
from kap.content.programmes import EACH, FIRST, LAST, Hour, Kind, Programme, ProgrammeStep, programmes
from kap.db import db, transaction
from kap.patients.models import Patient
from kap.programmes import actions, queries, shelf_queries
from kap.programmes.models import GivenProgramme
from kap.programmes.queries import Standing
from kap.sessions import actions as sessions
from kap.sessions.actions import Plan
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route
from tests.conftest import Cast

SINGLE = programmes()["single-session"]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)

# One of every kind, small enough to read.
SMALL = Programme(
    slug="own-small",
    title="Small",
    summary="",
    sessions=2,
    steps=(
        ProgrammeStep(Kind.GUIDE, FIRST, -3, about="set-and-setting"),
        ProgrammeStep(Kind.CONSENTS, FIRST, -3),
        ProgrammeStep(Kind.HEALTH, FIRST, -3),
        ProgrammeStep(Kind.MUSIC, FIRST, -3),
        ProgrammeStep(Kind.INTENTION, EACH, -1),
        ProgrammeStep(Kind.JOURNAL, EACH, 0, Hour.EVENING, "evening"),
        ProgrammeStep(Kind.JOURNAL, EACH, 1, Hour.SAME, "24h"),
        ProgrammeStep(Kind.TASK, EACH, 1, about="Take a walk"),
        ProgrammeStep(Kind.GUIDE, LAST, 1, about="the-days-after"),
    ),
)
GUIDE, CONSENTS, HEALTH, MUSIC, INTENTION, EVENING, DAY_AFTER, WALK, DAYS_AFTER = range(1, 10)


class Clinic:
    """What Theo and Pia do, each act in a transaction of its own."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.theo, self.pia = cast.actor("theo"), cast.actor("pia")

    def give(
        self,
        programme: Programme = SMALL,
        *,
        to: Patient | None = None,
        since: date = TODAY,
        at: datetime = NOW,
    ) -> GivenProgramme:
        with transaction():
            patient = db.session.get_one(Patient, (to or self.cast.pia).id)
            return actions.give(patient, programme, starts_on=since, actor=self.theo, at=at)

    def _plan(self, day: date, hour: int) -> Plan:
        at = from_wall(datetime(day.year, day.month, day.day, hour), "Europe/Berlin")
        return Plan(at, Route.IV, self.cast.theo.id, None)

    def plan(self, day: date, hour: int = 10) -> DosingSession:
        with transaction():
            patient = db.session.get_one(Patient, self.cast.pia.id)
            return sessions.plan(patient, wanted=self._plan(day, hour), actor=self.theo)

    def move(self, session: DosingSession, day: date, hour: int = 10) -> None:
        with transaction():
            session = db.session.get_one(DosingSession, session.id)
            sessions.change(session, wanted=self._plan(day, hour), version=session.version, actor=self.theo)

    def cancel(self, session: DosingSession) -> None:
        with transaction():
            sessions.cancel(db.session.get_one(DosingSession, session.id), actor=self.theo)

    def reinstate(self, session: DosingSession) -> None:
        with transaction():
            sessions.reinstate(db.session.get_one(DosingSession, session.id), actor=self.theo)

    def hold(self, session: DosingSession) -> None:
        with transaction():
            row = db.session.get_one(DosingSession, session.id)
            sessions.open_session(row, actor=self.theo, at=row.planned_at)
            sessions.close(row, actor=self.theo, at=row.planned_at)

    def steps(self, *, at: datetime = NOW, of: Patient | None = None) -> list[Standing]:
        """As the care team sees them."""
        db.session.rollback()
        courses = queries.courses_of(shelf_queries.current_of([of or self.cast.pia]), at=at)
        return [step for course in courses for step in course.steps]

    def states(self, *, at: datetime = NOW) -> dict[tuple[int, int], str]:
        """By the number of the step and the session it hangs on."""
        return {(each.placed.number, each.placed.ordinal): each.state.value for each in self.steps(at=at)}

    def asked(self, *, at: datetime = NOW) -> tuple[list[int], int | None]:
        """What Pia sees: what is due, and what comes next, by the numbers of the steps."""
        db.session.rollback()
        found = queries.asked_of(self.cast.pia, at=at)
        return [each.placed.number for each in found.due], found.next.placed.number if found.next else None


@pytest.fixture
def clinic(cast: Cast) -> Clinic:
    return Clinic(cast)


@pytest.fixture
def counting() -> Callable[[], Any]:
    """`with counting() as statements`: what is sent to the database inside."""

    @contextmanager
    def count() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(db.engine, "before_cursor_execute", note)

    return count
