from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from kap.db import db, transaction
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.sessions import actions, queries
from kap.sessions.actions import Plan
from kap.sessions.models import DosingSession, Route, SessionState
from tests.conftest import NOON, Cast

Planner = Callable[..., DosingSession]


@pytest.fixture
def plan(cast: Cast) -> Planner:
    """`plan("pia", hours=2, state="closed")`: a session so many hours from noon."""

    def make(name: str, hours: float, state: str = "planned") -> DosingSession:
        patient: Patient = getattr(cast, name)
        who = {"pia": "theo", "pau": "tess", "zed": "zoe"}[name]
        actor, at = cast.actor(who), NOON + timedelta(hours=hours)
        with transaction():
            session = actions.plan(
                patient, wanted=Plan(at, Route.IM, getattr(cast, who).id, None), actor=actor
            )
            if state == "cancelled":
                actions.cancel(session, actor=actor)
            if state in ("open", "closed"):
                actions.open_session(session, actor=actor, at=at)
            if state == "closed":
                actions.close(session, actor=actor, at=at + timedelta(hours=2))
        return session

    return make


def test_a_patients_sessions(cast: Cast, plan: Planner) -> None:
    plan("pau", 1)
    plan("zed", 1)
    missed = plan("pia", -30)
    first, second = plan("pia", -200, "closed"), plan("pia", -100, "closed")
    off = plan("pia", 3, "cancelled")
    running = plan("pia", 0, "open")
    late, ahead = plan("pia", -1), plan("pia", 50)
    assert queries.upcoming_of(cast.pia, NOON) == [late, ahead]
    assert queries.past_of(cast.pia) == [second, first]
    assert queries.latest_closed(cast.pia) == second
    assert queries.open_of(cast.pia) == running
    assert queries.sessions_of(cast.pia) == [ahead, off, running, late, missed, second, first]


def test_a_patient_without_sessions(cast: Cast) -> None:
    assert queries.upcoming_of(cast.pia, NOON) == []
    assert queries.past_of(cast.pia) == []
    assert queries.latest_closed(cast.pia) is None
    assert queries.open_of(cast.pia) is None


def test_a_session_is_only_its_patients(cast: Cast, plan: Planner) -> None:
    session = plan("pau", 1)
    assert queries.session_of(cast.pau, session.id) == session
    with pytest.raises(NotThere):
        queries.session_of(cast.pia, session.id)


def test_a_window_shows_the_caseload(cast: Cast, plan: Planner) -> None:
    plan("pau", 1)
    plan("zed", 1)
    plan("pia", -1)
    plan("pia", 24)
    plan("pia", 2, "cancelled")
    closed, ahead = plan("pia", 0, "closed"), plan("pia", 5)
    window = (NOON, NOON + timedelta(hours=24))
    assert queries.in_window(cast.actor("theo"), *window) == [closed, ahead]
    assert queries.in_window(cast.actor("ana"), *window) == []
    assert queries.in_window(cast.actor("pia"), *window) == [closed, ahead]
    with transaction():
        patients.archive(cast.pia, actor=cast.actor("theo"), at=NOON)
    assert queries.in_window(cast.actor("theo"), *window) == []


def test_a_window_costs_one_query_however_many_patients(cast: Cast) -> None:
    theo = cast.actor("theo")
    with transaction():
        for number in range(20):
            patient = patients.admit(
                practice=cast.practice, identity=Identity(name=f"Patient {number}"), actor=theo, at=NOON
            )
            db.session.flush()
            actions.plan(
                patient,
                wanted=Plan(datetime(2026, 11, 21, number, tzinfo=UTC), Route.IM, cast.theo.id, None),
                actor=theo,
            )
    db.session.expunge_all()
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    found = queries.in_window(theo, NOON, NOON + timedelta(days=2))
    assert [session.patient.name for session in found] == [f"Patient {number}" for number in range(20)]
    assert {session.therapist.name for session in found} == {"Theo Thorne"}
    assert {session.state for session in found} == {SessionState.PLANNED}
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 1
