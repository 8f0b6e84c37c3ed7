"""Who is behind, for a therapist's home."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import event

from kap.clock import from_wall
from kap.db import db, transaction
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import CareTeamMember, Patient
from kap.preparation import actions
from kap.preparation.models import Assignment
from kap.preparation.queries import behind
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route, SessionState
from tests.conftest import NOON, Cast
from tests.preparation.conftest import INTENTION, THE_DAY, WHAT_KAP_IS

TODAY = date(2026, 11, 20)


def plan_session(
    patient: Patient, cast: Cast, *, days: float, state: SessionState = SessionState.PLANNED
) -> DosingSession:
    """A session so many days after today's midnight on the practice's clock."""
    midnight = from_wall(datetime(2026, 11, 20), cast.practice.zone)
    with transaction():
        session = DosingSession(
            patient=patient,
            patient_id=patient.id,
            therapist_id=cast.theo.id,
            state=state,
            route=Route.IM,
            planned_at=midnight + timedelta(days=days),
        )
        db.session.add(session)
    return session


def new_patient(cast: Cast, name: str) -> Patient:
    with transaction():
        return patients.admit(
            practice=cast.practice, identity=Identity(name=name), actor=cast.actor("theo"), at=NOON
        )


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_nobody_is_behind_at_first(cast: Cast, give: Callable[..., Assignment]) -> None:
    give(THE_DAY)
    give(WHAT_KAP_IS, due_on=TODAY)
    assert behind(cast.actor("theo"), TODAY) == []


def test_overdue_is_behind_until_it_is_done(cast: Cast, give: Callable[..., Assignment]) -> None:
    given = give(THE_DAY, due_on=TODAY - timedelta(1))
    [late] = behind(cast.actor("theo"), TODAY)
    assert (late.patient, late.session) == (cast.pia, None)
    assert [each.assignment for each in late.standings] == [given]
    with transaction():
        actions.finish(given, actor=cast.actor("pia"), at=NOON)
    assert behind(cast.actor("theo"), TODAY) == []


def test_a_session_within_the_week_makes_the_unfinished_urgent(
    cast: Cast, give: Callable[..., Assignment]
) -> None:
    give(THE_DAY, due_on=TODAY + timedelta(3))
    session = plan_session(cast.pia, cast, days=6.9)
    [late] = behind(cast.actor("theo"), TODAY)
    assert late.session == session


def test_a_session_later_cancelled_or_over_does_not(cast: Cast, give: Callable[..., Assignment]) -> None:
    give(THE_DAY)
    plan_session(cast.pia, cast, days=7.1)
    plan_session(cast.pia, cast, days=-0.1)
    plan_session(cast.pia, cast, days=2, state=SessionState.CANCELLED)
    plan_session(cast.pia, cast, days=0.4, state=SessionState.CLOSED)
    assert behind(cast.actor("theo"), TODAY) == []


def test_the_nearest_session_comes_first_then_the_longest_overdue(
    cast: Cast, give: Callable[..., Assignment]
) -> None:
    soon, later = new_patient(cast, "Soon"), new_patient(cast, "Later")
    longest = new_patient(cast, "Longest")
    give(THE_DAY, to=cast.pia, due_on=TODAY - timedelta(2))
    give(THE_DAY, to=longest, due_on=TODAY - timedelta(9))
    give(THE_DAY, to=later)
    give(THE_DAY, to=soon)
    plan_session(later, cast, days=5)
    plan_session(soon, cast, days=6)
    plan_session(soon, cast, days=1)
    order = [late.patient for late in behind(cast.actor("theo"), TODAY)]
    assert order == [soon, later, longest, cast.pia]


def test_others_archived_and_withdrawn_are_left_out(cast: Cast, give: Callable[..., Assignment]) -> None:
    give(THE_DAY, to=cast.pau, due_on=TODAY - timedelta(1))
    archived = new_patient(cast, "Archived")
    give(THE_DAY, to=archived, due_on=TODAY - timedelta(1))
    withdrawn = give(THE_DAY, due_on=TODAY - timedelta(1))
    retired = give(WHAT_KAP_IS, due_on=TODAY - timedelta(1))
    with transaction():
        archived.archived_at = NOON
        actions.withdraw(withdrawn, actor=cast.actor("theo"), at=NOON)
        retired.guide, retired.given_text = "old-advice", None
    assert behind(cast.actor("theo"), TODAY) == []
    assert behind(cast.actor("zoe"), TODAY) == []
    assert behind(cast.actor("ana"), TODAY) == []
    assert [late.patient for late in behind(cast.actor("tess"), TODAY)] == [cast.pau]


def test_the_cost_does_not_grow_with_the_caseload(cast: Cast, give: Callable[..., Assignment]) -> None:
    def count() -> int:
        db.session.expunge_all()
        with statements() as seen:
            found = behind(cast.actor("theo"), TODAY)
            assert [bool(late.patient.name and late.standings[0].ticked >= 0) for late in found]
        return len(seen)

    give(THE_DAY, due_on=TODAY - timedelta(1))
    few = count()
    for number in range(12):
        patient = new_patient(cast, f"Patient {number}")
        give(THE_DAY, to=patient, due_on=TODAY - timedelta(1))
        give(INTENTION, to=patient)
        plan_session(patient, cast, days=2)
    assert count() == few


def test_leaving_the_team_ends_it(cast: Cast, give: Callable[..., Assignment]) -> None:
    give(THE_DAY, due_on=TODAY - timedelta(1))
    with transaction():
        for member in db.session.query(CareTeamMember).filter_by(patient_id=cast.pia.id):
            member.left_at = datetime.now(UTC)
    assert behind(cast.actor("theo"), TODAY) == []
