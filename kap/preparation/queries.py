"""What patients were given to prepare and where it stands."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from kap.access.actor import Actor
from kap.accounts.queries import practice_of
from kap.clock import midnight
from kap.content.guides import Guide, library
from kap.db import db
from kap.patients.models import Patient
from kap.patients.queries import visible_to
from kap.preparation import rules
from kap.preparation.models import Assignment
from kap.preparation.rules import State
from kap.problems import NotThere
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession
from kap.sessions.rules import SessionState

SESSION_SOON = timedelta(days=7)


@dataclass(frozen=True)
class Standing:
    """An assignment beside its guide. `ticks` are keys of items that the guide has today."""

    assignment: Assignment
    guide: Guide
    ticks: frozenset[str]

    @property
    def ticked(self) -> int:
        return len(self.ticks)

    @property
    def total(self) -> int:
        return len(self.guide.items)

    @property
    def state(self) -> State:
        return rules.state_of(
            opened=self.assignment.opened_at is not None, ticked=self.ticked, done=self.is_done
        )

    @property
    def is_done(self) -> bool:
        return self.assignment.done_at is not None

    @property
    def is_updated(self) -> bool:
        """Whether the guide's text moved on after it was given."""
        return self.assignment.guide_version != self.guide.version

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


def guide_of(slug: str) -> Guide:
    """The guide that ships under this name. Raises `NotThere`."""
    guide = library().get(slug)
    if guide is None:
        raise NotThere("There is no such guide.")
    return guide


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
    if assignment.guide not in library():
        raise NotThere("This guide is no longer offered. Your therapist can give you another.")
    return standing(assignment)


def standing(assignment: Assignment) -> Standing:
    """Where one assignment stands. Its guide has to ship still; the lists here leave out the others."""
    guide = guide_of(assignment.guide)
    known = {item.key for item in guide.items}
    return Standing(
        assignment, guide, frozenset(tick.item for tick in assignment.ticks if tick.item in known)
    )


def assignments_of(patient: Patient) -> list[Standing]:
    """Everything this patient was given and still has: to do before done, the earliest due first."""
    rows = db.session.scalars(
        select(Assignment)
        .where(Assignment.patient_id == patient.id, Assignment.withdrawn_at.is_(None))
        .options(selectinload(Assignment.ticks))
    )
    return sorted((standing(row) for row in rows if row.guide in library()), key=_by_due_day)


def retired_of(patient: Patient) -> list[Assignment]:
    """What this patient was given that no longer ships, so that nobody wonders where it went."""
    return list(
        db.session.scalars(
            select(Assignment)
            .where(
                Assignment.patient_id == patient.id,
                Assignment.withdrawn_at.is_(None),
                Assignment.guide.not_in(library()),
            )
            .order_by(Assignment.assigned_at)
        )
    )


def plan_of(patient: Patient, today: date) -> Plan:
    """What this patient prepares; what is to be done, the earliest due first."""
    standings = assignments_of(patient)
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

    The nearest session first, then the longest overdue. Three queries, however long the caseload.
    """
    planned = _sessions_soon(actor, today)
    late = []
    for patient, standings in _unfinished(actor):
        session = planned.get(patient.id)
        if session is not None or any(each.overdue(today) for each in standings):
            late.append(Behind(patient, standings, session))
    return sorted(late, key=_by_need)


def _unfinished(actor: Actor) -> list[tuple[Patient, list[Standing]]]:
    caseload = visible_to(actor).where(Patient.archived_at.is_(None)).with_only_columns(Patient.id)
    rows = db.session.scalars(
        select(Assignment)
        .where(
            Assignment.patient_id.in_(caseload),
            Assignment.withdrawn_at.is_(None),
            Assignment.done_at.is_(None),
            Assignment.guide.in_(library()),
        )
        .order_by(Assignment.patient_id)
        .options(joinedload(Assignment.patient), selectinload(Assignment.ticks))
    )
    return [
        (patient, sorted(map(standing, owned), key=_by_due_day))
        for patient, owned in groupby(rows, key=lambda row: row.patient)
    ]


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
