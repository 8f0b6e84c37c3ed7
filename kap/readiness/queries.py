"""What a practice requires, what was arranged, and how sessions stand, in a fixed number of statements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kap.clock import day_in
from kap.consents import queries as consents
from kap.consents.queries import NewestSignatures
from kap.db import db
from kap.patients.models import Patient
from kap.preparation import queries as preparation
from kap.preparation.queries import Task
from kap.readiness import rules
from kap.readiness.models import Arrangements, ReadinessChoice
from kap.readiness.rules import USUALLY_REQUIRED, Confirmed, Facts, Item, Readiness
from kap.readiness.wording import FASTING, TRAVEL, Wording
from kap.safety import queries as safety
from kap.safety.queries import Plan
from kap.screening import queries as screening
from kap.screening.queries import Screened
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession
from kap.sessions.rules import Route


@dataclass(frozen=True)
class Choice:
    """What a practice requires, and its own words where it has some."""

    required: frozenset[Item] = USUALLY_REQUIRED
    own_fasting: Mapping[str, str] = field(default_factory=dict)
    own_travel: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    def fasting(self, route: Route) -> Wording:
        return _wording(self.own_fasting, FASTING, route)

    def travel(self, route: Route) -> Wording:
        return _wording(self.own_travel, TRAVEL, route)


def choice_of(practice_id: UUID) -> Choice:
    row = choice_row(practice_id)
    if row is None:
        return Choice()
    known = {item.value for item in Item}
    required = frozenset(Item(each) for each in row.required if each in known)
    return Choice(required, row.fasting, row.travel, row.version)


def choice_row(practice_id: UUID) -> ReadinessChoice | None:
    return db.session.scalars(
        select(ReadinessChoice).where(ReadinessChoice.practice_id == practice_id)
    ).first()


def arrangements_of(session: DosingSession) -> Arrangements | None:
    """As they stand in the database now."""
    return db.session.scalars(
        select(Arrangements)
        .where(Arrangements.session_id == session.id)
        .options(joinedload(Arrangements.written_by))
        .execution_options(populate_existing=True)
    ).first()


def readiness_of(session: DosingSession, *, at: datetime, on: date | None = None) -> Readiness:
    """How one session stands for its own day, or would on another."""
    return readiness_of_many([session], at=at, on=on)[session.id]


def readiness_of_many(
    sessions_: Iterable[DosingSession], *, at: datetime, on: date | None = None
) -> dict[UUID, Readiness]:
    """The same for sessions of many patients of one practice, in as many statements as for one."""
    planned = list(sessions_)
    if not planned:
        return {}
    known = _known(planned, at)
    zone = planned[0].patient.practice.zone
    today = day_in(at, zone)
    found = {}
    for session in planned:
        day = on or rules.day_of(day_in(session.planned_at, zone), today=today)
        found[session.id] = rules.readiness(known.facts(session, day), required=known.choice.required, on=day)
    return found


@dataclass(frozen=True)
class _Known:
    """Everything the rooms know of the patients whose sessions are asked about."""

    choice: Choice
    signed: NewestSignatures
    screened: Screened
    tasks: Mapping[UUID, list[Task]]
    arrangements: Mapping[UUID, Arrangements]
    said_wishes: set[UUID]
    wrote_intention: set[UUID]
    plans: Mapping[UUID, Plan]

    def facts(self, session: DosingSession, on: date) -> Facts:
        patient = session.patient
        arranged = self.arrangements.get(session.id)
        escort = arranged.escort if arranged else {}
        screened = self.screened.screening_of(patient, on=on)
        tasks = self.tasks[patient.id]
        return Facts(
            consents=tuple(
                (asked.consent.title, asked.verdict.standing)
                for asked in self.signed.asked_of(patient, on=on)
                if not asked.consent.optional
            ),
            screening=screened.standing,
            wants_answers=screened.wants_answers,
            guides=tuple(
                (task.guide.title, task.is_done)
                for task in tasks
                if rules.counts_for(task.assignment.due_on, on=on)
            ),
            escort_name=bool(escort.get("name")),
            escort_phone=bool(escort.get("phone")),
            fasting=confirmed(
                arranged.fasting_words if arranged else None, self.choice.fasting(session.route)
            ),
            travel=confirmed(arranged.travel_words if arranged else None, self.choice.travel(session.route)),
            music=patient.id in self.said_wishes,
            intention=patient.id in self.wrote_intention,
            asks_intention=any(task.guide.asks == "intention" for task in tasks),
            safety_plan=self.plans[patient.id].standing(on),
        )


def confirmed(words: str | None, wording: Wording) -> Confirmed:
    """Whether what was confirmed is what is asked now."""
    if not words:
        return Confirmed.NO
    return Confirmed.YES if words == wording.text else Confirmed.EARLIER


def _known(planned: list[DosingSession], at: datetime) -> _Known:
    patients: list[Patient] = list({session.patient_id: session.patient for session in planned}.values())
    return _Known(
        choice=choice_of(patients[0].practice_id),
        signed=consents.signed_by_many(patients),
        screened=screening.screened_of_many(patients, at=at),
        tasks=preparation.tasks_of_many(patients),
        arrangements=_arrangements_of_many(planned),
        said_wishes=sessions.said_wishes(patients),
        wrote_intention=sessions.wrote_intention(patients),
        plans=safety.plans_of_many(patients),
    )


def _arrangements_of_many(planned: list[DosingSession]) -> dict[UUID, Arrangements]:
    rows = db.session.scalars(
        select(Arrangements)
        .where(Arrangements.session_id.in_([session.id for session in planned]))
        .options(
            joinedload(Arrangements.session).joinedload(DosingSession.patient).joinedload(Patient.data_key)
        )
    )
    return {row.session_id: row for row in rows}


def _wording(own: Mapping[str, str], shipped: Mapping[Route, Wording], route: Route) -> Wording:
    text = own.get(route.value, "").strip()
    return Wording(text, "") if text else shipped[route]
