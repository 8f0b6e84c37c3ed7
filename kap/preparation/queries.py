"""What patients were given to prepare and where it stands."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload, subqueryload

from kap.access.actor import Actor
from kap.accounts.queries import practice_of
from kap.clock import midnight
from kap.content.guides import Guide, Question
from kap.db import db
from kap.patients.models import Patient
from kap.patients.queries import visible_to
from kap.preparation import rules
from kap.preparation.guide_queries import as_given, earlier_texts_of
from kap.preparation.models import Answer, Assignment, Tick
from kap.preparation.rules import State
from kap.problems import NotThere
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession
from kap.sessions.rules import SessionState

SESSION_SOON = timedelta(days=7)


# What a standing is made from; each is one query more, however many rows.
_WITH_ITS_PARTS = (
    selectinload(Assignment.given_text),
    selectinload(Assignment.ticks),
    selectinload(Assignment.answers),
)


@dataclass(frozen=True)
class Standing:
    """An assignment beside its guide, in the text that was given. `ticks` are keys this text has."""

    assignment: Assignment
    guide: Guide
    ticks: frozenset[str]

    @property
    def ticked(self) -> int:
        return len(self.ticks)

    @property
    def total(self) -> int:
        """What there is to tick, statements to confirm among it."""
        return len(self.guide.items) + len(self.guide.acknowledgements)

    @property
    def answered(self) -> int:
        known = {question.key for question in self.guide.questions}
        return len(known & {answer.item for answer in self.assignment.answers})

    @property
    def how_far(self) -> str:
        """2 of 5 ticked, 1 of 2 answered"""
        parts = [f"{self.ticked} of {self.total} ticked"] if self.total else []
        if self.guide.questions:
            parts.append(f"{self.answered} of {len(self.guide.questions)} answered")
        return ", ".join(parts)

    def answer(self, key: str) -> Answer | None:
        return next((each for each in self.assignment.answers if each.item == key), None)

    def tick(self, key: str) -> Tick | None:
        return next((each for each in self.assignment.ticks if each.item == key), None)

    @property
    def state(self) -> State:
        return rules.state_of(
            opened=self.assignment.opened_at is not None,
            ticked=self.ticked + self.answered,
            done=self.is_done,
        )

    @property
    def is_done(self) -> bool:
        return self.assignment.done_at is not None

    def overdue(self, today: date) -> bool:
        return rules.is_overdue(self.assignment.due_on, done=self.is_done, today=today)


@dataclass(frozen=True)
class Plan:
    """What a patient prepares: to do now, later, and done with the latest first."""

    now: list[Standing]
    coming: list[Standing]
    done: list[Standing]


@dataclass(frozen=True)
class Behind:
    """A patient with unfinished guides, the earliest due first, and the session within a week, if any."""

    patient: Patient
    standings: list[Standing]
    session: DosingSession | None


def assignment_of(patient: Patient, assignment_id: UUID) -> Assignment:
    """One of this patient's assignments, taken back or not. Raises `NotThere`."""
    found = db.session.scalars(
        select(Assignment).where(Assignment.id == assignment_id, Assignment.patient_id == patient.id)
    ).first()
    if found is None:
        raise NotThere("This was not given to you, or it was taken back.")
    return found


def given(patient: Patient, assignment_id: UUID) -> Standing:
    """What this patient was given and still has. Raises `NotThere`."""
    assignment = assignment_of(patient, assignment_id)
    if assignment.withdrawn_at is not None:
        raise NotThere("Your therapist took this back. There is nothing left to do here.")
    found = standing(assignment)
    if found is None:
        raise NotThere("This guide is no longer offered. Your therapist can give you another.")
    return found


def standing(assignment: Assignment) -> Standing | None:
    """Where one assignment stands; None when its text is gone. The lists here leave out such ones."""
    guide = as_given(assignment)
    if guide is None:
        return None
    ticks = {tick.item: tick.wording for tick in assignment.ticks}
    valid = {item.key for item in guide.items if item.key in ticks}
    valid |= {each.key for each in guide.acknowledgements if ticks.get(each.key) == each.wording}
    return Standing(assignment, guide, frozenset(valid))


def questions_from_before(standing: Standing) -> list[Question]:
    """What earlier texts asked and this one does not, so that no answer to them is out of sight."""
    known = {question.key for question in standing.guide.questions}
    found: dict[str, Question] = {}
    for guide in earlier_texts_of(standing.assignment):
        for question in guide.questions:
            if question.key not in known:
                found.setdefault(question.key, question)
    return list(found.values())


def answer_to(assignment: Assignment, key: str) -> Answer | None:
    """As it stands in the database now."""
    return db.session.scalars(
        select(Answer)
        .where(Answer.assignment_id == assignment.id, Answer.item == key)
        .execution_options(populate_existing=True)
    ).first()


def assignments_of(patient: Patient) -> list[Standing]:
    """Everything this patient was given and still has: to do before done, the earliest due first."""
    rows = db.session.scalars(
        select(Assignment)
        .where(Assignment.patient_id == patient.id, Assignment.withdrawn_at.is_(None))
        .options(*_WITH_ITS_PARTS)
    )
    return sorted(_standings(rows), key=_by_due_day)


@dataclass(frozen=True)
class Task:
    """A guide as far as readiness asks about it."""

    assignment: Assignment
    guide: Guide

    @property
    def is_done(self) -> bool:
        return self.assignment.done_at is not None


def tasks_of_many(patients: Iterable[Patient]) -> dict[UUID, list[Task]]:
    """What each was given and still has, in two statements; the earliest given first."""
    ids = [patient.id for patient in patients]
    rows = db.session.scalars(
        select(Assignment)
        .where(Assignment.patient_id.in_(ids), Assignment.withdrawn_at.is_(None))
        .order_by(Assignment.assigned_at, Assignment.id)
        # Of the texts there are few, so this stays one statement however many have them.
        .options(selectinload(Assignment.given_text))
    )
    found: dict[UUID, list[Task]] = {id_: [] for id_ in ids}
    for row in rows:
        guide = as_given(row)
        if guide is not None:
            found[row.patient_id].append(Task(row, guide))
    return found


def gone_of(patient: Patient) -> list[Assignment]:
    """What this patient was given whose text is gone, so that nobody wonders where it went."""
    rows = db.session.scalars(
        select(Assignment)
        .where(
            Assignment.patient_id == patient.id,
            Assignment.withdrawn_at.is_(None),
            Assignment.text_id.is_(None),
        )
        .order_by(Assignment.assigned_at)
    )
    return [row for row in rows if as_given(row) is None]


def plan_of(patient: Patient, today: date) -> Plan:
    """What this patient prepares; what is to be done, the earliest due first. Not what opens later."""
    standings = [
        each
        for each in assignments_of(patient)
        if each.is_done or rules.is_open(each.assignment.opens_on, today=today)
    ]
    to_do = [each for each in standings if not each.is_done]
    done = [each for each in standings if each.is_done]
    done.sort(key=lambda each: each.assignment.done_at or each.assignment.assigned_at, reverse=True)
    return Plan(
        now=[each for each in to_do if rules.is_for_now(each.assignment.due_on, today=today)],
        coming=[each for each in to_do if not rules.is_for_now(each.assignment.due_on, today=today)],
        done=done,
    )


def behind(actor: Actor, today: date) -> list[Behind]:
    """Of the actor's caseload, who is overdue or has a session within a week and is not done.

    The nearest session first, then the longest overdue. The same few queries, however long the caseload.
    """
    planned = _sessions_soon(actor, today)
    late = []
    for patient, standings in _unfinished(actor, today):
        session = planned.get(patient.id)
        if session is not None or any(each.overdue(today) for each in standings):
            late.append(Behind(patient, standings, session))
    return sorted(late, key=_by_need)


def _unfinished(actor: Actor, today: date) -> list[tuple[Patient, list[Standing]]]:
    caseload = visible_to(actor).where(Patient.archived_at.is_(None)).with_only_columns(Patient.id)
    rows = db.session.scalars(
        select(Assignment)
        .where(
            Assignment.patient_id.in_(caseload),
            Assignment.withdrawn_at.is_(None),
            Assignment.done_at.is_(None),
            or_(Assignment.opens_on.is_(None), Assignment.opens_on <= today),
        )
        .order_by(Assignment.patient_id)
        .options(
            joinedload(Assignment.patient),
            selectinload(Assignment.given_text),
            # Not in packets of 500, so that a long caseload is no more statements than a short one.
            subqueryload(Assignment.ticks),
            subqueryload(Assignment.answers),
        )
    )
    found = groupby(_standings(rows), key=lambda each: each.assignment.patient)
    return [(patient, sorted(owned, key=_by_due_day)) for patient, owned in found]


def _standings(rows: Iterable[Assignment]) -> Iterator[Standing]:
    return (found for found in map(standing, rows) if found is not None)


def _sessions_soon(actor: Actor, today: date) -> dict[UUID, DosingSession]:
    """The nearest planned session of each patient, from the start of today on."""
    begins = midnight(today, practice_of(actor).zone)
    found = sessions.in_window(actor, begins, begins + SESSION_SOON)
    planned = [session for session in found if session.state is SessionState.PLANNED]
    planned.sort(key=lambda session: session.planned_at, reverse=True)
    return {session.patient_id: session for session in planned}


def _by_due_day(each: Standing) -> tuple[bool, date, int]:
    return each.is_done, each.assignment.due_on or date.max, each.guide.order


def _by_need(each: Behind) -> tuple[bool, datetime, date]:
    earliest = each.standings[0].assignment.due_on or date.max
    if each.session is None:
        return True, datetime.max.replace(tzinfo=UTC), earliest
    return False, each.session.planned_at, earliest
