"""What hangs on a session moves with it; what is given, taken back, skipped and done."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import func, select

from kap.access.audit import Event
from kap.access.permissions import Permission
from kap.accounts.models import Practice
from kap.content.guides import library
from kap.content.programmes import programme_from
from kap.content.screening import catalogue
from kap.db import db, transaction
from kap.integration import actions as integration
from kap.integration.rules import Writing
from kap.music.builder import Avoid
from kap.patients import actions as patients
from kap.patients.actions import Identity
from kap.patients.models import Patient
from kap.preparation import actions as preparation
from kap.preparation import guide_actions
from kap.preparation.models import Assignment
from kap.preparation.queries import plan_of
from kap.problems import Conflict, Invalid, NotThere
from kap.programmes import actions, queries, shelf_actions, shelf_queries
from kap.programmes.models import GivenProgramme, StepMark
from kap.screening import actions as screening
from kap.screening.said import Answer, Reply, Said
from kap.sessions import actions as sessions
from kap.sessions import wishes
from tests.conftest import Cast
from tests.programmes.conftest import (
    CONSENTS,
    DAY_AFTER,
    DAYS_AFTER,
    EVENING,
    GUIDE,
    HEALTH,
    INTENTION,
    MUSIC,
    NOW,
    SINGLE,
    SMALL,
    TODAY,
    WALK,
    Clinic,
)

pytestmark = pytest.mark.usefixtures("_friday_noon")
SOON = date(2026, 11, 23)
AFTERWARDS = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
def _friday_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def guides(clinic: Clinic) -> dict[str, tuple[date | None, date | None]]:
    """Due and seen from, of what Pia has and is not done with."""
    db.session.rollback()
    rows = db.session.scalars(
        select(Assignment).where(
            Assignment.patient_id == clinic.cast.pia.id,
            Assignment.withdrawn_at.is_(None),
            Assignment.done_at.is_(None),
        )
    )
    return {row.guide: (row.due_on, row.opens_on) for row in rows}


def test_without_a_session_nothing_has_a_day_and_no_guide_is_given(clinic: Clinic) -> None:
    clinic.give()
    assert set(clinic.states().values()) == {"not dated yet"}
    assert clinic.asked() == ([], None)
    assert guides(clinic) == {}


def test_planning_moving_cancelling_and_planning_again(clinic: Clinic) -> None:
    clinic.give()
    session = clinic.plan(SOON)
    assert guides(clinic) == {
        "set-and-setting": (date(2026, 11, 20), date(2026, 11, 18)),
        "intention": (date(2026, 11, 22), date(2026, 11, 20)),
    }
    clinic.move(session, date(2026, 12, 7))
    assert guides(clinic) == {
        "set-and-setting": (date(2026, 12, 4), date(2026, 12, 2)),
        "intention": (date(2026, 12, 6), date(2026, 12, 4)),
    }
    clinic.cancel(session)
    assert guides(clinic) == {}
    clinic.reinstate(session)
    assert guides(clinic)["set-and-setting"] == (date(2026, 12, 4), date(2026, 12, 2))
    clinic.plan(SOON)  # and now there is one before it
    assert guides(clinic) == {
        "set-and-setting": (date(2026, 11, 20), date(2026, 11, 18)),
        "intention": (date(2026, 11, 22), date(2026, 11, 20)),
        "the-days-after": (date(2026, 12, 8), date(2026, 12, 7)),
    }
    rows = db.session.scalar(select(func.count()).select_from(Assignment))
    assert rows == 3  # each was given once, whatever happened to its session


def test_a_session_moved_across_the_change_of_the_clocks(clinic: Clinic) -> None:
    session = clinic.plan(date(2027, 3, 26))
    clinic.give()
    days = [each.placed.day for each in clinic.steps() if each.placed.number == DAY_AFTER]
    clinic.move(session, date(2027, 3, 29))
    moved = [each.placed for each in clinic.steps() if each.placed.number == DAY_AFTER and each.placed.day]
    assert days[0] == date(2027, 3, 27)
    assert [(each.day, each.moment) for each in moved] == [
        (date(2027, 3, 30), datetime(2027, 3, 30, 8, 0, tzinfo=UTC))  # ten by the clock, in summer time
    ]


def test_a_guide_they_have_is_not_given_twice_and_keeps_its_day(clinic: Clinic, cast: Cast) -> None:
    with transaction():
        by_hand = preparation.assign(
            cast.pia, guide=library()["set-and-setting"], due_on=TODAY, line="x", actor=clinic.theo, at=NOW
        )
        done = preparation.assign(
            cast.pia, guide=library()["intention"], due_on=None, line=None, actor=clinic.theo, at=NOW
        )
        preparation.finish(done, actor=clinic.pia, at=NOW)
    clinic.plan(SOON)
    clinic.give()
    assert guides(clinic) == {"set-and-setting": (TODAY, None)}
    states = clinic.states()
    assert states[GUIDE, 1] == "due"
    with transaction():
        preparation.finish(db.session.get_one(Assignment, by_hand.id), actor=clinic.pia, at=NOW)
    assert clinic.states()[GUIDE, 1] == "done"


def test_a_guide_that_was_opened_stays_when_its_day_is_open_again(clinic: Clinic) -> None:
    session = clinic.plan(SOON)
    clinic.give()
    with transaction():
        row = db.session.scalars(select(Assignment).where(Assignment.guide == "set-and-setting")).one()
        row.opened_at = NOW
    clinic.cancel(session)
    assert guides(clinic) == {"set-and-setting": (None, None)}


def test_a_guide_that_a_therapist_took_back_stays_away(clinic: Clinic) -> None:
    session = clinic.plan(SOON)
    clinic.give()
    with transaction():
        row = db.session.scalars(select(Assignment).where(Assignment.guide == "set-and-setting")).one()
        preparation.withdraw(row, actor=clinic.theo, at=NOW)
    clinic.move(session, date(2026, 12, 1))
    assert set(guides(clinic)) == {"intention"}


def test_a_retired_guide_is_not_given(clinic: Clinic, cast: Cast) -> None:
    with transaction():
        guide_actions.retire("set-and-setting", actor=clinic.theo, at=NOW)
    clinic.plan(SOON)
    clinic.give()
    assert set(guides(clinic)) == {"intention"}


def test_what_the_patient_sees_is_what_is_due_and_the_one_next_thing(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(date(2026, 12, 20))
    clinic.give(SINGLE)
    steps = {each.placed.number: each for each in clinic.steps()}
    by_kind = {number: each.kind.value for number, each in steps.items()}
    due, following = clinic.asked()
    assert ([by_kind[number] for number in due], by_kind[following or 0]) == ([], "health")
    due, following = clinic.asked(at=NOW + timedelta(days=10))
    assert ([by_kind[number] for number in due], by_kind[following or 0]) == (["health"], "guide")
    assert steps[following or 0].placed.step.about == "what-kap-is"
    db.session.rollback()
    seen = plan_of(cast.pia, TODAY)
    assert [each.guide.slug for each in (*seen.now, *seen.coming)] == []
    seen = plan_of(cast.pia, TODAY + timedelta(days=15))
    assert [each.guide.slug for each in (*seen.now, *seen.coming)] == ["what-kap-is"]


def test_what_can_be_seen_is_not_ticked(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(SOON)
    clinic.give()
    assert {number: clinic.states()[number, 1] for number in (HEALTH, MUSIC, INTENTION)} == {
        HEALTH: "due", MUSIC: "due", INTENTION: "due",
    }  # fmt: skip
    with transaction():
        said = Said({each.key: Answer(Reply.NO) for each in catalogue().questions}, (), takes_none=True)
        answers = screening.answer(cast.pia, said, version=0, actor=clinic.pia, at=NOW)
        assert answers is not None
        screening.finish(answers, actor=clinic.pia, at=NOW)
        wishes.write(cast.pia, wishes.Wishes("Cello", Avoid()), version=0, actor=clinic.pia, at=NOW)
        sessions.write_intention(cast.pia, text="To listen.", version=0, actor=clinic.pia, at=NOW)
    assert {number: clinic.states()[number, 1] for number in (HEALTH, MUSIC, INTENTION)} == {
        HEALTH: "done", MUSIC: "done", INTENTION: "done",
    }  # fmt: skip
    assert clinic.asked()[0] == [GUIDE, CONSENTS]


def test_an_intention_is_asked_for_anew_after_a_session(clinic: Clinic, cast: Cast) -> None:
    with transaction():
        sessions.write_intention(cast.pia, text="To listen.", version=0, actor=clinic.pia, at=NOW)
    first = clinic.plan(date(2026, 11, 21))
    clinic.plan(date(2026, 11, 29))
    clinic.give()
    clinic.hold(first)
    assert [clinic.states(at=AFTERWARDS)[INTENTION, number] for number in (1, 2)] == ["done", "due"]


def test_after_a_session_the_journal_is_offered_and_a_task_is_asked(clinic: Clinic) -> None:
    session = clinic.plan(date(2026, 11, 26))
    clinic.give()
    at = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    assert clinic.states(at=at)[EVENING, 1] == "not dated yet"  # it was not held
    clinic.hold(session)
    states = clinic.states(at=at)
    assert {number: states[number, 1] for number in (EVENING, DAY_AFTER, WALK)} == {
        EVENING: "offered", DAY_AFTER: "offered", WALK: "due",
    }  # fmt: skip
    assert clinic.asked(at=at) == ([GUIDE, WALK, DAY_AFTER], None)


def test_staff_never_learn_whether_a_private_entry_was_written(clinic: Clinic, cast: Cast) -> None:
    session = clinic.plan(date(2026, 11, 26))
    clinic.give()
    clinic.hold(session)
    at = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    window = datetime(2026, 11, 26, tzinfo=UTC), datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
    before = clinic.states(at=at), _due(cast, *window), _events()
    with transaction():
        writing = Writing("Only mine.", session_id=session.id)
        integration.write(cast.pia, entry_id=uuid4(), writing=writing, version=0, at=at)
    assert DAY_AFTER not in clinic.asked(at=at)[0]  # she has written, and is not asked again
    assert (clinic.states(at=at), _due(cast, *window), _events()) == before


def _events() -> int:
    return db.session.scalar(select(func.count()).select_from(Event)) or 0


def _due(cast: Cast, start: datetime, end: datetime) -> list[tuple[str, int]]:
    db.session.rollback()
    return [
        (each.patient.name, each.placed.number) for each in queries.due_between(cast.practice, start, end)
    ]


def test_a_step_is_left_out_with_a_sealed_reason_and_taken_up_again(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(SOON)
    given = clinic.give()
    with transaction():
        for number in (GUIDE, MUSIC):
            actions.skip(
                _again(given), number, None, reason="  Knows it by heart. ", actor=clinic.theo, at=NOW
            )
            actions.skip(_again(given), number, None, reason="Twice.", actor=clinic.theo, at=NOW)
    assert [clinic.states()[number, 1] for number in (GUIDE, MUSIC)] == ["skipped", "skipped"]
    assert "set-and-setting" not in guides(clinic)
    marks = list(db.session.scalars(select(StepMark)))
    assert [mark.reason for mark in marks] == ["Knows it by heart."] * 2
    assert not any(b"heart" in (mark.reason_sealed or b"") for mark in marks)
    with transaction():
        actions.take_up(_again(given), GUIDE, None, actor=clinic.theo, at=NOW)
    assert clinic.states()[GUIDE, 1] == "due"
    assert "set-and-setting" in guides(clinic)


def test_a_step_left_out_at_one_session_goes_with_it(clinic: Clinic) -> None:
    a, b = clinic.plan(date(2026, 11, 25)), clinic.plan(date(2026, 11, 28))
    given = clinic.give()
    with transaction():
        actions.skip(_again(given), WALK, a.id, reason="Rain.", actor=clinic.theo, at=NOW)
    assert [clinic.states()[WALK, number] for number in (1, 2)] == ["skipped", "ahead"]
    clinic.move(a, date(2026, 12, 1))
    assert [clinic.states()[WALK, number] for number in (1, 2)] == ["ahead", "skipped"]
    assert b.id != a.id


@pytest.mark.parametrize("reason, problem", [("  ", Invalid), ("x" * 2001, Invalid)])
def test_a_reason_is_a_few_words(clinic: Clinic, reason: str, problem: type[Exception]) -> None:
    given = clinic.give()
    with pytest.raises(problem), transaction():
        actions.skip(_again(given), GUIDE, None, reason=reason, actor=clinic.theo, at=NOW)


def test_there_is_no_step_but_those_it_has(clinic: Clinic) -> None:
    session = clinic.plan(SOON)
    given = clinic.give()
    for number, session_id in ((99, None), (WALK, None), (WALK, uuid4()), (GUIDE, session.id)):
        with pytest.raises(NotThere), transaction():
            actions.skip(_again(given), number, session_id, reason="x", actor=clinic.theo, at=NOW)
    with pytest.raises(NotThere), transaction():
        actions.do(_again(given), MUSIC, None, actor=clinic.pia, at=NOW)  # that can be seen


def test_a_task_is_done_by_saying_so_and_that_can_be_undone(clinic: Clinic) -> None:
    session = clinic.plan(SOON)
    given = clinic.give()
    with transaction():
        actions.do(_again(given), WALK, session.id, actor=clinic.pia, at=NOW)
        actions.do(_again(given), WALK, session.id, actor=clinic.pia, at=NOW)
    assert clinic.states()[WALK, 1] == "done"
    with pytest.raises(Conflict, match="done already"), transaction():
        actions.skip(_again(given), WALK, session.id, reason="x", actor=clinic.theo, at=NOW)
    with transaction():
        actions.take_up(_again(given), WALK, session.id, actor=clinic.theo, at=NOW)  # was not left out
    assert clinic.states()[WALK, 1] == "done"
    with transaction():
        actions.undo(_again(given), WALK, session.id, actor=clinic.pia)
    assert clinic.states()[WALK, 1] == "ahead"


def test_a_programme_is_given_once_taken_back_and_given_back(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(SOON)
    given = clinic.give()
    with pytest.raises(Conflict):
        clinic.give()
    with transaction():
        row = db.session.scalars(select(Assignment).where(Assignment.guide == "intention")).one()
        row.opened_at = NOW
    with transaction():
        actions.take_back(_again(given), actor=clinic.theo, at=NOW)
        actions.take_back(_again(given), actor=clinic.theo, at=NOW)
    assert (clinic.steps(), clinic.asked()) == ([], ([], None))
    assert set(guides(clinic)) == {"intention"}  # it was opened
    with transaction():
        actions.give_back(_again(given), actor=clinic.theo, at=NOW)
    assert set(guides(clinic)) == {"intention", "set-and-setting"}
    with transaction():
        actions.take_back(_again(given), actor=clinic.theo, at=NOW)
    clinic.give()
    with pytest.raises(Conflict), transaction():
        actions.give_back(_again(given), actor=clinic.theo, at=NOW)
    assert set(guides(clinic)) == {"intention", "set-and-setting"}


def test_a_guide_that_two_programmes_ask_for_is_given_once_and_stays_while_one_does(clinic: Clinic) -> None:
    clinic.plan(SOON)
    single, small = clinic.give(SINGLE), clinic.give()
    rows = [row.guide for row in db.session.scalars(select(Assignment))]
    assert sorted(rows) == sorted(set(rows))
    with transaction():
        actions.take_back(_again(single), actor=clinic.theo, at=NOW)
    assert set(guides(clinic)) == {"set-and-setting", "intention"}
    with transaction():
        actions.take_back(_again(small), actor=clinic.theo, at=NOW)
    assert guides(clinic) == {}
    with transaction():
        actions.give_back(_again(single), actor=clinic.theo, at=NOW)
        actions.give_back(_again(small), actor=clinic.theo, at=NOW)
    found = guides(clinic)
    assert {"set-and-setting", "intention", "what-kap-is"} <= set(found)
    assert len(found) == len({step.about for step in SINGLE.steps if step.kind == "guide"})


def test_sessions_from_before_the_programme_are_not_part_of_it(clinic: Clinic) -> None:
    early = clinic.plan(date(2026, 11, 18))
    clinic.hold(early)
    clinic.plan(SOON)
    clinic.give()
    assert {each.placed.session.at.day for each in clinic.steps() if each.placed.session} == {23}
    with transaction():
        actions.take_back(_again(clinic.steps()[0].given), actor=clinic.theo, at=NOW)
    clinic.give(since=date(2026, 11, 18))
    assert {each.placed.session.at.day for each in clinic.steps() if each.placed.session} == {18, 23}


def test_what_was_given_is_kept_as_it_was_given(clinic: Clinic, cast: Cast) -> None:
    with transaction():
        row = shelf_actions.copy(SINGLE, actor=clinic.theo, at=NOW)
    mine = shelf_queries.written(row)
    given = clinic.give(mine)
    changed = SMALL.definition()
    with transaction():
        again = shelf_queries.own_programme(cast.practice.id, row.slug)
        shelf_actions.change(again, programme_from(changed, row.slug), version=1, actor=clinic.theo)
        shelf_actions.retire(row.slug, actor=clinic.theo, at=NOW)
    assert len(shelf_queries.as_given(_again(given)).steps) == len(SINGLE.steps)
    shelf = shelf_queries.shelf_of(cast.practice.id)
    assert [len(each.steps) for each in shelf.retired] == [len(SMALL.steps)]


def test_every_act_leaves_its_event(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(SOON)
    given = clinic.give()
    with transaction():
        actions.skip(_again(given), MUSIC, None, reason="x", actor=clinic.theo, at=NOW)
        actions.take_up(_again(given), MUSIC, None, actor=clinic.theo, at=NOW)
        actions.take_back(_again(given), actor=clinic.theo, at=NOW)
    db.session.rollback()
    acts = list(
        db.session.scalars(
            select(Event.act).where(Event.patient_id == cast.pia.id, Event.act.startswith("programmes:"))
        )
    )
    assert sorted(acts) == sorted([Permission.PROGRAMME_GIVE] * 2 + [Permission.STEP_SKIP] * 2)


def _again(given: GivenProgramme) -> GivenProgramme:
    return db.session.get_one(GivenProgramme, given.id)


def test_another_practices_patients_are_not_reminded(clinic: Clinic, cast: Cast) -> None:
    clinic.plan(date(2026, 11, 23))
    clinic.give()
    window = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    found = _due(cast, *window)
    # Three days before, at nine; it was given at noon, and is due since then.
    assert found == [("Pia Pine", number) for number in (GUIDE, CONSENTS, HEALTH, MUSIC)]
    db.session.rollback()
    assert queries.due_between(cast.other, *window) == []
    assert _due(cast, window[0] - timedelta(days=1), window[0]) == []
    with transaction():
        patients.archive(db.session.get_one(Patient, cast.pia.id), actor=clinic.theo, at=NOW)
    assert _due(cast, *window) == []


def test_windows_that_follow_each_other_find_each_step_once(clinic: Clinic, cast: Cast) -> None:
    session = clinic.plan(date(2026, 11, 23))
    clinic.give()
    clinic.hold(session)
    found: list[int] = []
    for hours in range(0, 24 * 10, 5):
        start = NOW + timedelta(hours=hours)
        found += [number for _, number in _due(cast, start, start + timedelta(hours=5))]
    assert sorted(found) == [GUIDE, EVENING, DAY_AFTER, WALK]


@pytest.fixture
def crowd(cast: Cast, clinic: Clinic) -> Callable[[int], list[Patient]]:
    """`crowd(50)`: so many more patients of Theo's, each with a session in a week."""

    def admit(count: int) -> list[Patient]:
        with transaction():
            made = [
                patients.admit(
                    practice=db.session.get_one(Practice, cast.practice.id),
                    identity=Identity(name=f"P {number}"),
                    actor=clinic.theo,
                    at=NOW,
                )
                for number in range(count)
            ]
            for patient in made:
                sessions.plan(patient, wanted=clinic._plan(SOON, 10), actor=clinic.theo)
        db.session.rollback()
        return made

    return admit


def test_giving_to_many_takes_as_many_statements_as_giving_to_few(
    clinic: Clinic, cast: Cast, crowd: Callable[[int], list[Patient]], counting: Callable[[], Any]
) -> None:
    counts = []
    clinic.plan(SOON)
    clinic.give(SINGLE)  # so that the texts are kept already
    for size in (5, 50):
        some = {patient.id for patient in crowd(size)}
        with counting() as statements, transaction():
            who = list(db.session.scalars(select(Patient).where(Patient.id.in_(some))))
            given = actions.give_many(who, SINGLE, starts_on=TODAY, actor=clinic.theo, at=NOW)
        assert len(given) == size
        counts.append(len(statements))
    assert counts[0] == counts[1]
    rows = db.session.scalar(select(func.count()).select_from(Assignment))
    assert rows == 56 * len([step for step in SINGLE.steps if step.kind == "guide"])


def test_what_is_due_is_found_in_as_many_statements_for_many_as_for_few(
    clinic: Clinic, cast: Cast, crowd: Callable[[int], list[Patient]], counting: Callable[[], Any]
) -> None:
    counts = []
    for size in (5, 45):
        some = {patient.id for patient in crowd(size)}
        with transaction():
            who = list(db.session.scalars(select(Patient).where(Patient.id.in_(some))))
            actions.give_many(who, SMALL, starts_on=TODAY, actor=clinic.theo, at=NOW)
        db.session.close()
        with counting() as statements:
            due = queries.due_between(
                cast.practice, datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
            )
            assert {each.patient.name.split()[0] for each in due} == {"P"}
            assert all(each.patient.user is None for each in due)
        counts.append((len(due), len(statements)))
    assert [found for found, _ in counts] == [5 * 4, 50 * 4]
    assert counts[0][1] == counts[1][1]


def test_many_at_once_keep_what_they_have(
    clinic: Clinic, cast: Cast, crowd: Callable[[int], list[Patient]]
) -> None:
    some = [cast.pia.id, *(patient.id for patient in crowd(2))]
    clinic.give()
    with transaction():
        who = list(db.session.scalars(select(Patient).where(Patient.id.in_(some))))
        given = actions.give_many(who, SMALL, starts_on=TODAY, actor=clinic.theo, at=NOW)
        again = actions.give_many(who, SMALL, starts_on=TODAY, actor=clinic.theo, at=NOW)
    assert {row.patient_id for row in given} == set(some) - {cast.pia.id}
    assert again == []


def test_a_patients_home_costs_the_same_with_many_programmes_and_sessions(
    clinic: Clinic, cast: Cast, counting: Callable[[], Any]
) -> None:
    counts = []
    for round_ in range(2):
        for number in range(3):
            clinic.plan(SOON + timedelta(days=round_ * 3 + number))
        programme = SMALL if round_ else SINGLE
        clinic.give(programme)
        clinic.asked()
        db.session.close()
        with counting() as statements:
            queries.asked_of(db.session.get_one(Patient, cast.pia.id), at=NOW)
        counts.append(len(statements))
    assert counts[0] == counts[1]
    assert len(SMALL.steps) == DAYS_AFTER
