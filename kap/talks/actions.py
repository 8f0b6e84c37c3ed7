"""Asking for someone to talk to, having seen it, writing what came of it. None of these commits."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from kap import mail
from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.accounts.models import User
from kap.db import db
from kap.jobs import queue
from kap.patients.models import Patient
from kap.problems import Conflict
from kap.talks import queries
from kap.talks.models import TalkRequest
from kap.talks.rules import due_at

OVERDUE = "talks.overdue"  # the task that looks at the clock
TO_TEAM, TO_ADMINISTRATOR = "talks.asked", "talks.nobody"  # the letters, see tasks.py
NOT_SEEN = "Please say first that you have seen it: the patient waits for a name."


def ask(patient: Patient, *, actor: Actor, at: datetime) -> TalkRequest:
    """Tell the care team at once. While nobody has seen the one before, asking again is the same request."""
    waiting = queries.unseen_of(patient)
    if waiting is None:
        waiting = _begin(patient, actor, at)
    if waiting is None:  # pressed twice at once
        waiting = queries.unseen_of(patient)
    if waiting is None:
        raise Conflict("Someone has just seen this. Please look at this page once more.")
    waiting.no_longer_at = None
    return waiting


def no_longer(talk: TalkRequest, *, actor: Actor, at: datetime) -> None:
    """The patient says that it is no longer needed. Someone still looks: it does not close itself."""
    if talk.ended_at is not None or talk.no_longer_at is not None:
        return
    talk.no_longer_at = at
    audit.record(Permission.TALK_ASK, actor=actor, patient_id=talk.patient_id, subject=talk)


def see(talk: TalkRequest, *, actor: Actor, at: datetime) -> bool:
    """Say by name that one has seen it. The first stands; says whether this was it."""
    if talk.seen_at is not None:
        return False
    talk.seen_at, talk.seen_by_id = at, actor.id
    audit.record(Permission.TALK_ANSWER, actor=actor, patient_id=talk.patient_id, subject=talk)
    db.session.flush()
    db.session.refresh(talk, ["seen_by"])
    return True


def end(talk: TalkRequest, *, outcome: str, actor: Actor, at: datetime) -> None:
    """Write what came of it. Raises `Conflict` before anyone has seen it, and after someone wrote it."""
    if talk.seen_at is None:
        raise Conflict(NOT_SEEN)
    if talk.ended_at is not None:
        if talk.outcome == outcome and talk.ended_by_id == actor.id:
            return
        raise Conflict("Someone has written what came of this already. Yours is still in the box below.")
    talk.outcome, talk.ended_at, talk.ended_by_id = outcome, at, actor.id
    audit.record(Permission.TALK_ANSWER, actor=actor, patient_id=talk.patient_id, subject=talk)
    db.session.flush()


def tell_again(talk: TalkRequest, *, at: datetime) -> None:
    """Write once more to the care team, and now to those who answer for the practice as well."""
    talk.told_again_at = at
    _write(talk, TO_TEAM, queries.members_of(talk.patient))
    _write(talk, TO_ADMINISTRATOR, queries.administrators_of(talk.patient))


def _begin(patient: Patient, actor: Actor, at: datetime) -> TalkRequest | None:
    talk = TalkRequest(
        patient=patient,
        patient_id=patient.id,
        asked_at=at,
        due_at=due_at(at, patient.practice.talk_hours),
    )
    try:
        with db.session.begin_nested():
            db.session.add(talk)
    except IntegrityError:
        return None
    audit.record(Permission.TALK_ASK, actor=actor, patient_id=patient.id, subject=talk)
    _tell(talk)
    return talk


def _tell(talk: TalkRequest) -> None:
    """Write to the care team, and look again when it is due. Where nobody is left, an administrator hears."""
    queue.enqueue(
        OVERDUE, practice_id=talk.patient.practice_id, about=talk.id, run_at=talk.due_at, talk=talk.id
    )
    team = queries.members_of(talk.patient)
    _write(talk, TO_TEAM, team)
    if not team:
        _write(talk, TO_ADMINISTRATOR, queries.administrators_of(talk.patient))


def _write(talk: TalkRequest, name: str, people: list[User]) -> None:
    if not mail.configured():
        return
    for user in people:
        mail.post(name, practice_id=user.practice_id, about=talk.id, talk=talk.id, user=user.id)
