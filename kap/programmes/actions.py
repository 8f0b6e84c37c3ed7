"""Giving a programme and taking it back; skipping a step, doing a task. None of these commits."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.clock import now
from kap.content.guides import Guide, successor_of
from kap.content.programmes import EACH, Kind, Programme
from kap.db import db
from kap.patients.models import Patient
from kap.preparation import actions as preparation
from kap.preparation import guide_queries
from kap.preparation.actions import Gift
from kap.preparation.models import Assignment
from kap.problems import Conflict, Invalid, NotThere
from kap.programmes import queries, shelf_queries
from kap.programmes.models import GivenProgramme, ProgrammeGuide, StepMark
from kap.programmes.rules import Placed, Verdict
from kap.programmes.shelf_actions import keep
from kap.sessions.actions import follows_sessions

LONGEST_REASON = 2_000
HAS_IT = "They have this programme already."
NO_SUCH_STEP = "There is no such step in this programme."


def give(
    patient: Patient, programme: Programme, *, starts_on: date, actor: Actor, at: datetime
) -> GivenProgramme:
    """Give a patient a programme. Sessions count from `starts_on`. Raises `Conflict` when they have it."""
    given = give_many([patient], programme, starts_on=starts_on, actor=actor, at=at)
    if not given:
        raise Conflict(HAS_IT)
    return given[0]


def give_many(
    patients: Iterable[Patient], programme: Programme, *, starts_on: date, actor: Actor, at: datetime
) -> list[GivenProgramme]:
    """Give a programme to patients of one practice; those who have it keep the one they have.

    As many statements for one patient as for five hundred. Raises `Conflict` when someone gives it to one of
    them in the same moment; then nobody is given anything.
    """
    everyone = {patient.id: patient for patient in patients}
    have = shelf_queries.who_has(programme.slug, everyone)
    wanted = [patient for patient in everyone.values() if patient.id not in have]
    if not wanted:
        return []
    text = keep(actor.practice_id, programme, at=at)
    rows = [
        GivenProgramme(
            patient_id=patient.id,
            slug=programme.slug,
            text_id=text.id,
            starts_on=starts_on,
            given_at=at,
            given_by_id=_person(actor),
        )
        for patient in wanted
    ]
    with _once():
        db.session.add_all(rows)
    for row in rows:
        audit.record(Permission.PROGRAMME_GIVE, actor=actor, patient_id=row.patient_id, subject=row)
    settle(wanted, actor=actor, at=at)
    return rows


def take_back(given: GivenProgramme, *, actor: Actor, at: datetime) -> None:
    """End a programme. Guides that were not opened yet go; what was done stays. `give_back` undoes it."""
    if given.ended_at is not None:
        return
    given.ended_at, given.ended_by_id = at, _person(actor)
    _record(Permission.PROGRAMME_GIVE, given, actor)
    for link in _links([given]):
        _hold_back(link, actor=actor, at=at)
    settle([given.patient], actor=actor, at=at)  # another programme may ask for the same guide


def give_back(given: GivenProgramme, *, actor: Actor, at: datetime) -> None:
    """Undo `take_back`. Raises `Conflict` when the same programme was given anew meanwhile."""
    if given.ended_at is None:
        return
    with _once():
        given.ended_at = given.ended_by_id = None
    _record(Permission.PROGRAMME_GIVE, given, actor)
    settle([given.patient], actor=actor, at=at)


def skip(
    given: GivenProgramme, number: int, session_id: UUID | None, *, reason: str, actor: Actor, at: datetime
) -> None:
    """Leave a step out, for this patient and this session. Twice is once. Raises `Invalid` without reason."""
    reason = reason.strip()
    if not reason:
        raise Invalid("Please write in a few words why.")
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason can have {LONGEST_REASON:,} characters.")
    placed = _placed(given, number, session_id, at=at)
    if _mark(given, placed, Verdict.SKIPPED, reason=reason, actor=actor, at=at):
        _record(Permission.STEP_SKIP, given, actor)
        settle([given.patient], actor=actor, at=at)


def take_up(
    given: GivenProgramme, number: int, session_id: UUID | None, *, actor: Actor, at: datetime
) -> None:
    """Undo `skip`."""
    if _unmark(given, number, session_id, Verdict.SKIPPED):
        _record(Permission.STEP_SKIP, given, actor)
        settle([given.patient], actor=actor, at=at)


def do(given: GivenProgramme, number: int, session_id: UUID | None, *, actor: Actor, at: datetime) -> None:
    """Say that a task is done. Twice is once. Raises `NotThere` for a step that is no task."""
    placed = _placed(given, number, session_id, at=at)
    if placed.step.kind is not Kind.TASK:
        raise NotThere(NO_SUCH_STEP)
    if _mark(given, placed, Verdict.DONE, reason=None, actor=actor, at=at):
        _record(Permission.STEP_DO, given, actor)


def undo(given: GivenProgramme, number: int, session_id: UUID | None, *, actor: Actor) -> None:
    """Undo `do`."""
    if _unmark(given, number, session_id, Verdict.DONE):
        _record(Permission.STEP_DO, given, actor)


@follows_sessions
def follow(patient: Patient, actor: Actor) -> None:
    """A session was planned, moved, opened or cancelled: the guides that hang on it move too."""
    settle([patient], actor=actor, at=now())


def settle(patients: Sequence[Patient], *, actor: Actor, at: datetime) -> None:
    """Have the guides of these patients' programmes stand on the days that their sessions say.

    A guide is given once its day is known, unless the patient has it or had it and is done; its due day
    follows. One whose day is open again, or whose step is skipped, goes unless the patient has opened it.
    """
    givens = shelf_queries.current_of(patients)
    if not givens:
        return
    wanted = {
        given.id: _wanted_guides(given, steps, skipped) for given, steps, skipped in _laid_out(givens, at)
    }
    links = _links(givens)
    for link in links:
        _keep_in_step(link, wanted[link.given_id].pop(_name(link.assignment), None), actor=actor, at=at)
    _give_guides(givens, wanted, actor=actor, at=at)


@dataclass(frozen=True)
class _Days:
    due_on: date
    opens_on: date


def _laid_out(
    givens: list[GivenProgramme], at: datetime
) -> Iterator[tuple[GivenProgramme, list[Placed], set[int]]]:
    placed = queries.laid_out(givens, at=at)
    rows = db.session.execute(
        select(StepMark.given_id, StepMark.number).where(
            StepMark.given_id.in_(placed), StepMark.verdict == Verdict.SKIPPED
        )
    )
    skipped = {(given_id, number) for given_id, number in rows}
    for given in givens:
        yield given, placed[given.id], {number for given_id, number in skipped if given_id == given.id}


def _wanted_guides(given: GivenProgramme, placed: list[Placed], skipped: set[int]) -> dict[str, _Days]:
    """The guides that have a day, by name, with the first of their days."""
    found: dict[str, _Days] = {}
    for each in placed:
        # A step at each session may be skipped for one of them and not for the others.
        is_skipped = each.number in skipped and each.step.hangs != EACH
        if each.step.guide and each.day and each.opens and not is_skipped:
            found.setdefault(successor_of(each.step.guide), _Days(each.day, each.opens))
    return found


def _keep_in_step(link: ProgrammeGuide, days: _Days | None, *, actor: Actor, at: datetime) -> None:
    assignment = link.assignment
    if assignment.done_at is not None:
        return
    if days is None:
        _hold_back(link, actor=actor, at=at)
        if assignment.withdrawn_at is None:
            preparation.reschedule(assignment, due_on=None, opens_on=None)
        return
    if link.held_back_at is not None:
        try:
            preparation.give_back(assignment, actor=actor)
        except Conflict:
            return  # the same guide was given by hand meanwhile, and that one stays
        link.held_back_at = None
    preparation.reschedule(assignment, due_on=days.due_on, opens_on=days.opens_on)


def _hold_back(link: ProgrammeGuide, *, actor: Actor, at: datetime) -> None:
    assignment = link.assignment
    if assignment.withdrawn_at is None and assignment.opened_at is None and assignment.done_at is None:
        preparation.withdraw(assignment, actor=actor, at=at)
        link.held_back_at = at


def _give_guides(
    givens: list[GivenProgramme], wanted: dict[UUID, dict[str, _Days]], *, actor: Actor, at: datetime
) -> None:
    if not any(wanted.values()):
        return
    offered = {guide.slug: guide for guide in guide_queries.offered(actor.practice_id)}
    had = _had({given.patient_id for given in givens})
    gifts: list[tuple[GivenProgramme, Gift]] = []
    for given in givens:
        for name, days in wanted[given.id].items():
            guide: Guide | None = offered.get(name)
            if guide is not None and (given.patient_id, name) not in had:
                had.add((given.patient_id, name))
                gifts.append((given, Gift(given.patient_id, guide, days.due_on, days.opens_on)))
    if gifts:
        rows = preparation.assign_many(actor.practice_id, [gift for _, gift in gifts], actor=actor, at=at)
        db.session.add_all(
            ProgrammeGuide(given_id=given.id, assignment_id=row.id)
            for (given, _), row in zip(gifts, rows, strict=True)
        )


def _had(patient_ids: set[UUID]) -> set[tuple[UUID, str]]:
    """Which guides these patients have, or are done with."""
    rows = db.session.execute(
        select(Assignment.patient_id, Assignment.guide).where(
            Assignment.patient_id.in_(patient_ids), Assignment.withdrawn_at.is_(None)
        )
    )
    return {(patient_id, successor_of(guide)) for patient_id, guide in rows}


def _links(givens: Sequence[GivenProgramme]) -> list[ProgrammeGuide]:
    return list(
        db.session.scalars(
            select(ProgrammeGuide)
            .where(ProgrammeGuide.given_id.in_([given.id for given in givens]))
            .options(joinedload(ProgrammeGuide.assignment))
        )
    )


def _name(assignment: Assignment) -> str:
    return successor_of(assignment.guide)


def _placed(given: GivenProgramme, number: int, session_id: UUID | None, *, at: datetime) -> Placed:
    """The step as it stands now. Raises `NotThere`, also for a session it does not come at any more."""
    laid_out = queries.laid_out([given], at=at)[given.id]
    found = next((each for each in laid_out if (each.number, each.session_id) == (number, session_id)), None)
    if found is None or (found.step.hangs == EACH and found.session is None):
        raise NotThere(NO_SUCH_STEP)
    return found


def _mark(
    given: GivenProgramme,
    placed: Placed,
    verdict: Verdict,
    *,
    reason: str | None,
    actor: Actor,
    at: datetime,
) -> bool:
    """Whether it is new. Raises `Conflict` when the step was decided otherwise."""
    known = db.session.scalars(_marks(given, placed.number, placed.session_id)).first()
    if known is not None:
        if known.verdict is not verdict:
            raise Conflict(
                "This step is done already." if known.verdict is Verdict.DONE else "This step was left out."
            )
        return False
    mark = StepMark(
        given=given,
        given_id=given.id,
        number=placed.number,
        session_id=placed.session_id,
        verdict=verdict,
        reason=reason,
        at=at,
        by_id=_person(actor),
    )
    try:
        with db.session.begin_nested():
            db.session.add(mark)
    except IntegrityError:
        return False  # pressed twice in the same moment
    return True


def _unmark(given: GivenProgramme, number: int, session_id: UUID | None, verdict: Verdict) -> bool:
    wanted = (
        _marks(given, number, session_id).where(StepMark.verdict == verdict).with_only_columns(StepMark.id)
    )
    removed = db.session.scalars(delete(StepMark).where(StepMark.id.in_(wanted)).returning(StepMark.id)).all()
    return bool(removed)


def _marks(given: GivenProgramme, number: int, session_id: UUID | None) -> Select[StepMark]:
    return select(StepMark).where(
        StepMark.given_id == given.id,
        StepMark.number == number,
        StepMark.session_id.is_not_distinct_from(session_id),
    )


@contextmanager
def _once() -> Iterator[None]:
    try:
        with db.session.begin_nested():
            yield
    except IntegrityError as error:
        raise Conflict(HAS_IT) from error


def _person(actor: Actor) -> UUID:
    if actor.id is None:
        raise TypeError("programmes are given by a person")
    return actor.id


def _record(act: Permission, given: GivenProgramme, actor: Actor) -> None:
    audit.record(act, actor=actor, patient_id=given.patient_id, subject=given)
