from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts.models import User
from kap.db import db
from kap.patients import queries as patients
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.talks.models import TalkRequest
from kap.talks.rules import rank

LATEST = 20


def open_for(actor: Actor, at: datetime) -> list[TalkRequest]:
    """Requests of the actor's patients of which nobody has written what came of them, by need."""
    caseload = patients.visible_to(actor).with_only_columns(Patient.id)
    found = db.session.scalars(
        _whole().where(TalkRequest.patient_id.in_(caseload), TalkRequest.ended_at.is_(None))
    )
    return sorted(found, key=lambda each: rank(each.standing(at), each.asked_at))


def requests_of(patient: Patient) -> list[TalkRequest]:
    """The latest requests of one patient, newest first; and every one that is still open."""
    newest = select(TalkRequest.id).where(TalkRequest.patient_id == patient.id)
    newest = newest.order_by(TalkRequest.asked_at.desc()).limit(LATEST)
    return list(
        db.session.scalars(
            _whole()
            .where(
                TalkRequest.patient_id == patient.id,
                TalkRequest.ended_at.is_(None) | TalkRequest.id.in_(newest),
            )
            .order_by(TalkRequest.asked_at.desc())
        )
    )


def open_of(patient: Patient) -> list[TalkRequest]:
    return [each for each in requests_of(patient) if each.ended_at is None]


def unseen_of(patient: Patient) -> TalkRequest | None:
    """The request that waits for someone, of which there is one at most."""
    return db.session.scalars(
        select(TalkRequest).where(TalkRequest.patient_id == patient.id, TalkRequest.seen_at.is_(None))
    ).first()


def request_of(patient: Patient, request_id: UUID) -> TalkRequest:
    """One of this patient's, kept from changing until the transaction ends. Raises `NotThere`."""
    found = db.session.scalars(
        select(TalkRequest)
        .where(TalkRequest.id == request_id, TalkRequest.patient_id == patient.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotThere("There is no such request.")
    return found


def members_of(patient: Patient) -> list[User]:
    """Those of the care team who can sign in."""
    return [member.user for member in patients.team_of(patient) if member.user.closed_at is None]


def administrators_of(patient: Patient) -> list[User]:
    return list(
        db.session.scalars(
            select(User).where(
                User.practice_id == patient.practice_id,
                User.role == Role.ADMIN,
                User.closed_at.is_(None),
                User.password_hash.is_not(None),
            )
        ).unique()
    )


def _whole() -> Select[TalkRequest]:
    return select(TalkRequest).options(
        joinedload(TalkRequest.patient).joinedload(Patient.data_key),
        joinedload(TalkRequest.seen_by),
        joinedload(TalkRequest.ended_by),
    )
