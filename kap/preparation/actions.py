"""Giving a guide and taking it back; opening, ticking, finishing. None of these commits."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.content.guides import Guide
from kap.db import db
from kap.patients.models import Patient
from kap.preparation.guide_actions import keep
from kap.preparation.guide_queries import as_given, earlier_texts_of
from kap.preparation.models import Assignment, Tick
from kap.problems import Conflict, NotThere

NO_SUCH_ITEM = "This guide has no such item."


@dataclass(frozen=True)
class Gift:
    """A guide for a patient: when it is due, and from which day on they see it."""

    patient_id: UUID
    guide: Guide
    due_on: date | None
    opens_on: date | None


def assign(
    patient: Patient, *, guide: Guide, due_on: date | None, line: str | None, actor: Actor, at: datetime
) -> Assignment:
    """Give a patient a guide, in the words it has now, which stay theirs.

    Raises `Conflict` when they have it already and are not done with it.
    """
    text = keep(patient.practice_id, guide, at=at)
    assignment = Assignment(
        patient=patient,
        patient_id=patient.id,
        guide=guide.slug,
        guide_version=guide.version,
        given_text=text,
        text_id=text.id,
        due_on=due_on,
        line=line,
        assigned_at=at,
        assigned_by_id=actor.id,
    )
    with _given_once():
        db.session.add(assignment)
    audit.record(Permission.ASSIGNMENT_ASSIGN, actor=actor, patient_id=patient.id, subject=assignment)
    return assignment


def assign_many(practice_id: UUID, gifts: Iterable[Gift], *, actor: Actor, at: datetime) -> list[Assignment]:
    """Give guides to many patients of a practice, in as many statements as there are different guides.

    Raises `Conflict` when one of them was given one in the same moment; then nothing is given.
    """
    wanted = list(gifts)
    guides = {gift.guide.digest: gift.guide for gift in wanted}
    texts = {digest: keep(practice_id, guide, at=at) for digest, guide in guides.items()}
    rows = [
        Assignment(
            patient_id=gift.patient_id,
            guide=gift.guide.slug,
            guide_version=gift.guide.version,
            text_id=texts[gift.guide.digest].id,
            due_on=gift.due_on,
            opens_on=gift.opens_on,
            assigned_at=at,
            assigned_by_id=actor.id,
        )
        for gift in wanted
    ]
    with _given_once():
        db.session.add_all(rows)
    for row in rows:
        _record(Permission.ASSIGNMENT_ASSIGN, row, actor)
    return rows


def reschedule(assignment: Assignment, *, due_on: date | None, opens_on: date | None) -> None:
    """Move the day of a guide that follows a session. No event: moving the session left one."""
    assignment.due_on, assignment.opens_on = due_on, opens_on


def withdraw(assignment: Assignment, *, actor: Actor, at: datetime) -> None:
    """Take a guide back. The patient no longer sees it; `give_back` undoes it, ticks and all."""
    if assignment.withdrawn_at is None:
        assignment.withdrawn_at = at
        _record(Permission.ASSIGNMENT_ASSIGN, assignment, actor)


def give_back(assignment: Assignment, *, actor: Actor) -> None:
    """Undo taking back. Raises `Conflict` when the same guide was given anew meanwhile."""
    if assignment.withdrawn_at is not None:
        with _given_once():
            assignment.withdrawn_at = None
        _record(Permission.ASSIGNMENT_ASSIGN, assignment, actor)


def note_opening(session: Session, assignment_id: UUID, *, at: datetime) -> None:
    """Keep when the patient opened it first.

    Takes a session of its own, because a page that is only read has no transaction to write in.
    """
    session.execute(
        update(Assignment)
        .where(Assignment.id == assignment_id, Assignment.opened_at.is_(None))
        .values(opened_at=at)
    )


def tick(assignment: Assignment, *, item: str, actor: Actor, at: datetime) -> None:
    """Tick an item; twice is once. Raises `NotThere` for one the guide does not have."""
    if item not in _ticked_one_by_one(assignment):
        raise NotThere(NO_SUCH_ITEM)
    _set(assignment, item, None, actor=actor, at=at)


def confirm(assignment: Assignment, *, item: str, wording: str, actor: Actor, at: datetime) -> None:
    """Confirm a statement in the wording that was read, and keep when; twice is once.

    Raises `Conflict` when it reads differently by now, and `NotThere` when the guide has no such statement.
    """
    guide = as_given(assignment)
    if guide is None or (item, wording) not in _statements(guide):
        if any((item, wording) in _statements(before) for before in earlier_texts_of(assignment)):
            raise Conflict("Your therapist has given you a newer text. Please read this part once more.")
        raise NotThere(NO_SUCH_ITEM)
    db.session.execute(delete(Tick).where(_this(assignment, item), Tick.wording.is_distinct_from(wording)))
    _set(assignment, item, wording, actor=actor, at=at)


def untick(assignment: Assignment, *, item: str, actor: Actor) -> None:
    """Take a tick or a confirmation away, if there is one. Raises `NotThere` for an item the guide lacks."""
    guide = as_given(assignment)
    statements = {key for key, _ in _statements(guide)} if guide else set()
    if item not in _ticked_one_by_one(assignment) | statements:
        raise NotThere(NO_SUCH_ITEM)
    removed = db.session.scalars(delete(Tick).where(_this(assignment, item)).returning(Tick.id)).all()
    if removed:
        db.session.expire(assignment, ["ticks"])
        _record(Permission.ASSIGNMENT_DO, assignment, actor)


def _set(assignment: Assignment, item: str, wording: str | None, *, actor: Actor, at: datetime) -> None:
    if db.session.scalars(select(Tick.id).where(_this(assignment, item))).first() is not None:
        return
    try:
        with db.session.begin_nested():
            db.session.add(Tick(assignment_id=assignment.id, item=item, ticked_at=at, wording=wording))
    except IntegrityError:
        return  # another tab ticked it in the same moment
    db.session.expire(assignment, ["ticks"])
    _record(Permission.ASSIGNMENT_DO, assignment, actor)


def finish(assignment: Assignment, *, actor: Actor, at: datetime) -> None:
    """Mark as done, whatever is ticked; twice is once."""
    if assignment.done_at is None:
        assignment.done_at = at
        _record(Permission.ASSIGNMENT_DO, assignment, actor)


def reopen(assignment: Assignment, *, actor: Actor) -> None:
    """Undo being done. Raises `Conflict` when the same guide was given anew meanwhile."""
    if assignment.done_at is not None:
        with _given_once():
            assignment.done_at = None
        _record(Permission.ASSIGNMENT_DO, assignment, actor)


@contextmanager
def _given_once() -> Iterator[None]:
    try:
        with db.session.begin_nested():
            yield
    except IntegrityError as error:
        raise Conflict("This guide is already given and not done yet.") from error


def _this(assignment: Assignment, item: str) -> ColumnElement[bool]:
    return and_(Tick.assignment_id == assignment.id, Tick.item == item)


def _statements(guide: Guide) -> set[tuple[str, str]]:
    return {(each.key, each.wording) for each in guide.acknowledgements}


def _ticked_one_by_one(assignment: Assignment) -> set[str]:
    """Keys of checklist items, also of the texts this one replaced: the page may be older."""
    texts = [as_given(assignment), *earlier_texts_of(assignment)]
    return {item.key for guide in texts if guide is not None for item in guide.items}


def _record(act: Permission, assignment: Assignment, actor: Actor) -> None:
    audit.record(act, actor=actor, patient_id=assignment.patient_id, subject=assignment)
