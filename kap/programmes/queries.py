"""Programmes laid out on days: for their care team the whole of it, for a patient what is asked and what is
next, for reminders what is due in a window of time.

Each is a fixed number of statements, however many patients. Nothing here is stored: move a session, and what
hangs on it is on another day.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.orm import joinedload

from kap.accounts.models import Practice
from kap.clock import day_in
from kap.content.programmes import Kind, Programme
from kap.db import db
from kap.patients.models import Patient
from kap.preparation.models import Assignment
from kap.programmes import rules, shelf_queries
from kap.programmes.models import GivenProgramme, StepMark
from kap.programmes.rules import WIDEST, Placed, Session, State, Verdict
from kap.programmes.seen import Seen, is_done, seen_of
from kap.sessions.models import DosingSession, SessionState

MarkKey = tuple[UUID, int, UUID | None]


@dataclass(frozen=True)
class Standing:
    """One step of one patient's programme, where it is and where it stands.

    `assignment`: the guide that has to be read for it, where it was given.
    """

    given: GivenProgramme
    placed: Placed
    state: State
    mark: StepMark | None
    assignment: Assignment | None

    @property
    def kind(self) -> Kind:
        return self.placed.step.kind

    @property
    def patient(self) -> Patient:
        return self.given.patient

    @property
    def due_at(self) -> datetime | None:
        """From when on there is a reason to say so: its moment, and never before the programme was given."""
        return max(self.placed.moment, self.given.given_at) if self.placed.moment else None


@dataclass(frozen=True)
class Course:
    """A programme that was given, with its steps in the order of their days."""

    given: GivenProgramme
    programme: Programme
    steps: list[Standing]


@dataclass(frozen=True)
class Asked:
    """What a patient sees of their programmes: what is due, the earliest first, and the one next thing."""

    due: list[Standing]
    next: Standing | None
    kinds: frozenset[Kind]  # that are asked for now or later, so that nothing else has to ask for them

    @property
    def first(self) -> Standing | None:
        """What is due first, guides aside, which stand among what a patient prepares.

        The journal before all else: words are nearest now.
        """
        steps = [step for step in self.due if step.kind is not Kind.GUIDE]
        journal = [step for step in steps if step.kind is Kind.JOURNAL]
        return next(iter([*journal, *steps]), None)


def laid_out(givens: Iterable[GivenProgramme], *, at: datetime) -> dict[UUID, list[Placed]]:
    """The steps of each programme, by its id, on their days; one statement."""
    everything = list(givens)
    sessions = _sessions_of({each.patient_id for each in everything})
    written = _as_given(everything)
    return {
        each.id: _laid_out(each, written[each.text_id], sessions[each.patient_id], at) for each in everything
    }


def courses_of(givens: Sequence[GivenProgramme], *, at: datetime, by_patient: bool = False) -> list[Course]:
    """Programmes with where each of their steps stands. `by_patient`: see `seen_of`."""
    if not givens:
        return []
    placed, written = laid_out(givens, at=at), _as_given(givens)
    marks = _marks_of(givens)
    kinds = {each.step.kind for steps in placed.values() for each in steps}
    patients = {each.patient_id: each.patient for each in givens}
    seen = seen_of(patients.values(), kinds, at=at, by_patient=by_patient)
    return [
        Course(each, written[each.text_id], list(_standings(each, placed[each.id], marks, seen, at)))
        for each in givens
    ]


def course_of(given: GivenProgramme, *, at: datetime) -> Course:
    return courses_of([given], at=at)[0]


def asked_of(patient: Patient, *, at: datetime) -> Asked:
    """What this patient is asked now and what comes next. For the patient only: it looks into the journal."""
    steps = [
        step
        for course in courses_of(shelf_queries.current_of([patient]), at=at, by_patient=True)
        for step in course.steps
    ]
    ahead = [step for step in steps if step.state is State.AHEAD]
    return Asked(
        due=sorted((step for step in steps if step.state.is_asked), key=_by_day),
        next=min(ahead, key=_by_opening, default=None),
        kinds=frozenset(step.kind for step in steps if step.state.is_asked or step.state is State.AHEAD),
    )


def due_between(
    practice: Practice, start: datetime, end: datetime, *, among: Collection[UUID] | None = None
) -> list[Standing]:
    """What is due to the practice's patients, or `among` these, from `start` to before `end`, and not done.

    For reminders; in the order of patients and days, with `patient` and its sign-in loaded. As many
    statements for one patient as for a thousand. A step comes back for the window its moment lies in and for
    no other, so windows that follow each other remind once.

    The moment is on the practice's clock: 9:00 on the step's day, 19:00 for an evening, the session's own
    hour where the step says so, and never before the programme was given. A step after a session comes once
    the session was opened. Of the journal every step comes, whether or not the patient wrote: a reminder that
    stays away would tell those who see the log of letters that they did. Guides are among them; their day is
    the one that `kap.preparation` has.
    """
    givens = _near(practice, start, end, among)
    found = [
        step
        for course in courses_of(givens, at=end)
        for step in course.steps
        if (step.state.is_asked or step.state is State.OFFERED)
        and step.due_at is not None
        and start <= step.due_at < end
    ]
    return sorted(found, key=lambda step: (str(step.given.patient_id), _by_day(step)))


def _near(
    practice: Practice, start: datetime, end: datetime, among: Collection[UUID] | None
) -> list[GivenProgramme]:
    """The programmes of those who have a session so near that a step of it can lie in the window."""
    took_place = func.coalesce(DosingSession.opened_at, DosingSession.planned_at)
    near = select(DosingSession.patient_id).where(took_place >= start - WIDEST, took_place < end + WIDEST)
    return list(
        db.session.scalars(
            select(GivenProgramme)
            .join(GivenProgramme.patient)
            .where(
                Patient.practice_id == practice.id,
                Patient.archived_at.is_(None),
                GivenProgramme.ended_at.is_(None),
                GivenProgramme.patient_id.in_(near),
                GivenProgramme.patient_id.in_(among) if among is not None else true(),
            )
            .options(
                joinedload(GivenProgramme.given_text),
                joinedload(GivenProgramme.patient).options(
                    joinedload(Patient.data_key), joinedload(Patient.user)
                ),
            )
            .order_by(GivenProgramme.given_at, GivenProgramme.id)
        )
    )


def _sessions_of(patient_ids: set[UUID]) -> dict[UUID, list[Session]]:
    found: dict[UUID, list[Session]] = defaultdict(list)
    rows = db.session.execute(
        select(
            DosingSession.id,
            DosingSession.patient_id,
            DosingSession.state,
            func.coalesce(
                DosingSession.opened_at, DosingSession.planned_at, type_=DosingSession.planned_at.type
            ),
        ).where(DosingSession.patient_id.in_(patient_ids), DosingSession.state != SessionState.CANCELLED)
    )
    for session_id, patient_id, state, at in rows:
        found[patient_id].append(Session(session_id, at, is_held=state is not SessionState.PLANNED))
    return found


def _as_given(givens: Iterable[GivenProgramme]) -> dict[UUID, Programme]:
    """The programmes by the text they were given in; many patients have the same."""
    first = {each.text_id: each for each in givens}
    return {text_id: shelf_queries.as_given(each) for text_id, each in first.items()}


def _laid_out(
    given: GivenProgramme, programme: Programme, sessions: list[Session], at: datetime
) -> list[Placed]:
    zone = given.patient.practice.zone
    own = rules.counted(sessions, since=given.starts_on, today=day_in(at, zone), zone=zone)
    return rules.lay_out(programme.steps, own, most=programme.sessions, zone=zone)


def _marks_of(givens: Sequence[GivenProgramme]) -> dict[MarkKey, StepMark]:
    rows = db.session.scalars(select(StepMark).where(StepMark.given_id.in_([each.id for each in givens])))
    return {(row.given_id, row.number, row.session_id): row for row in rows}


def _standings(
    given: GivenProgramme,
    placed: list[Placed],
    marks: dict[MarkKey, StepMark],
    seen: Seen,
    at: datetime,
) -> Iterator[Standing]:
    today = day_in(at, given.patient.practice.zone)
    replaced = rules.replacements(placed)
    sessions = {each.ordinal: each.session for each in placed if each.session}
    for each in placed:
        mark = marks.get((given.id, each.number, each.session_id))
        before = sessions.get(each.ordinal - 1)
        state = rules.state_of(
            each,
            verdict=Verdict(mark.verdict) if mark else None,
            is_done=is_done(seen, given.patient_id, each, before=before.at if before else None),
            replaced_at=replaced.get(each),
            now=at,
            today=today,
        )
        assignment = seen.guide(given.patient_id, each.step.guide) if each.step.guide else None
        yield Standing(given, each, state, mark, assignment)


def _by_opening(step: Standing) -> tuple[date, datetime, int]:
    return step.placed.opens or date.max, *_by_day(step)


def _by_day(step: Standing) -> tuple[datetime, int]:
    placed = step.placed
    assert placed.moment is not None  # noqa: S101 - only steps that have a day are sorted by it
    return placed.moment, placed.number
