"""Writing a safety plan and going through it together. None of these commits."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid
from kap.safety import queries, rules
from kap.safety.models import SafetyPlan, SafetyTalk

SITTING = timedelta(minutes=30)  # saving while typing is one act in the log, not fifty


class Overwritten(Conflict):
    """Someone wrote since the `version` that was begun from."""

    def __init__(self) -> None:
        super().__init__("The safety plan was changed somewhere else. Both versions are kept.")


def write(
    patient: Patient, words: dict[str, str], *, version: int, actor: Actor, at: datetime
) -> SafetyPlan | None:
    """Keep the plan; `version` is 0 for the first time. The same words again are no change.

    Returns None while there is nothing to keep. Raises `Overwritten`, and `Invalid` for too long a part.
    """
    wanted = rules.tidied(words)
    for part in rules.Part:
        if len(wanted[part]) > rules.LONGEST_PART:
            title = rules.PARTS[part].title
            raise Invalid(f"“{title}” can have {rules.LONGEST_PART:,} characters. Please make it shorter.")
    known = queries.row_of(patient)
    if known is not None and known.words == wanted:
        return known
    if (known.version if known else 0) != version:
        raise Overwritten
    if known is None:
        return _first(patient, wanted, actor=actor, at=at) if rules.is_written(wanted) else None
    is_same_sitting = known.written_by_id == actor.id and at - known.written_at < SITTING
    try:
        with db.session.begin_nested():
            known.words, known.written_at, known.written_by_id = wanted, at, _person(actor)
            known.version += 1
    except StaleDataError as error:
        raise Overwritten from error
    if not is_same_sitting:
        audit.record(Permission.SAFETY_WRITE, actor=actor, patient_id=patient.id, subject=known)
    return known


def note_talk(patient: Patient, *, version: int, actor: Actor, at: datetime) -> SafetyTalk:
    """Keep that `actor` went through the plan with the patient, in the `version` they had before them.

    Raises `Invalid` where nothing is written, `Conflict` when it reads differently by now. Twice is once.
    """
    plan = queries.plan_of(patient)
    if plan.row is None or not plan.is_written:
        raise Invalid("There is nothing in the safety plan yet, so there was nothing to go through.")
    if plan.version != version:
        raise Conflict("The safety plan was changed while you went through it. Please look at it once more.")
    last = plan.last_talk
    if last is not None and last.plan_version == version and at - last.at < SITTING:
        return last
    talk = SafetyTalk(
        patient=patient,
        patient_id=patient.id,
        at=at,
        therapist_id=_person(actor),
        plan_version=version,
        words=plan.words,
    )
    db.session.add(talk)
    audit.record(Permission.SAFETY_CONFIRM, actor=actor, patient_id=patient.id, subject=talk)
    return talk


def _first(patient: Patient, words: dict[str, str], *, actor: Actor, at: datetime) -> SafetyPlan:
    try:
        # Sealing looks up the key while the row is half made.
        with db.session.begin_nested(), db.session.no_autoflush:
            plan = SafetyPlan(
                patient=patient,
                patient_id=patient.id,
                words=words,
                written_at=at,
                written_by_id=_person(actor),
                version=1,
            )
            db.session.add(plan)
    except IntegrityError as error:
        raise Overwritten from error
    audit.record(Permission.SAFETY_WRITE, actor=actor, patient_id=patient.id, subject=plan)
    return plan


def _person(actor: Actor) -> UUID:
    if actor.id is None:
        raise TypeError("a safety plan is written by people")
    return actor.id
