"""What a programme asks for becomes a reason to write, once, and is none any more when it is done."""

from datetime import UTC, date, datetime, timedelta

from kap.clock import from_wall
from kap.db import db, transaction
from kap.patients.models import Patient
from kap.patients.reasons import SOURCES, Kind, Reason, Window
from kap.programmes.reminding import DUE_FOR, steps_due
from kap.sessions import wishes
from kap.sessions.wishes import Wishes
from tests.conftest import Cast
from tests.programmes.conftest import CONSENTS, HEALTH, INTENTION, MUSIC, WALK, Clinic

SESSION = date(2026, 11, 30)
THREE_DAYS_BEFORE = from_wall(datetime(2026, 11, 27, 9), "Europe/Berlin")


def _due(*patients: Patient, at: datetime) -> list[Reason]:
    db.session.rollback()
    found = [db.session.get_one(Patient, patient.id) for patient in patients]
    reasons = SOURCES["programmes"](found, Window(at, {each.id: each.practice.zone for each in found}))
    return [reason for reason in reasons if reason.holds(at)]


def _kinds(reasons: list[Reason]) -> list[tuple[int, Kind]]:
    return sorted((int(reason.key.split(":")[2]), reason.kind) for reason in reasons)


def test_the_room_has_said_so() -> None:
    assert SOURCES["programmes"] is steps_due


def test_nobody_is_no_reason() -> None:
    assert steps_due([], Window(datetime(2026, 11, 27, tzinfo=UTC), {})) == []


def test_a_step_is_a_reason_from_its_moment_on_for_a_while(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(SESSION)
    clinic.give()
    papers_and_music = [(CONSENTS, Kind.PAPERS), (HEALTH, Kind.PAPERS), (MUSIC, Kind.PREPARE)]
    assert _due(cast.pia, at=THREE_DAYS_BEFORE - timedelta(seconds=1)) == []
    assert _kinds(_due(cast.pia, at=THREE_DAYS_BEFORE)) == papers_and_music
    before_the_last = THREE_DAYS_BEFORE + DUE_FOR - timedelta(seconds=1)
    assert _kinds(_due(cast.pia, at=before_the_last)) == papers_and_music
    # Two days later those have had their time, and the evening before is the time of the intention.
    assert _kinds(_due(cast.pia, at=THREE_DAYS_BEFORE + DUE_FOR)) == [(INTENTION, Kind.PREPARE)]


def test_neither_the_journal_nor_a_guide_is_reminded_of_twice(clinic: Clinic, cast: Cast) -> None:
    session = clinic.plan(SESSION)
    clinic.give()
    clinic.hold(session)
    day_after = from_wall(datetime(2026, 12, 1, 18), "Europe/Berlin")
    assert _kinds(_due(cast.pia, at=day_after)) == [(WALK, Kind.PREPARE)]


def test_what_is_done_is_no_reason_any_more(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(SESSION)
    clinic.give()
    with transaction():
        patient = db.session.get_one(Patient, cast.pia.id)
        wishes.write(patient, Wishes(), version=0, actor=clinic.pia, at=THREE_DAYS_BEFORE)
    assert _kinds(_due(cast.pia, at=THREE_DAYS_BEFORE)) == [(CONSENTS, Kind.PAPERS), (HEALTH, Kind.PAPERS)]


def test_a_session_on_another_day_is_another_reason(clinic: Clinic, cast: Cast) -> None:
    session = clinic.plan(SESSION)
    clinic.give()
    first = {reason.key for reason in _due(cast.pia, at=THREE_DAYS_BEFORE)}
    clinic.move(session, SESSION + timedelta(days=1))
    assert _due(cast.pia, at=THREE_DAYS_BEFORE) == []
    moved = {reason.key for reason in _due(cast.pia, at=THREE_DAYS_BEFORE + timedelta(days=1))}
    assert (len(first), len(moved), first & moved) == (3, 3, set())


def test_only_of_those_who_are_asked_about(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(SESSION)
    clinic.give()
    assert _due(cast.pau, at=THREE_DAYS_BEFORE) == []
    assert {each.patient_id for each in _due(cast.pau, cast.pia, at=THREE_DAYS_BEFORE)} == {cast.pia.id}
