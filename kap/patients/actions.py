"""Admitting, editing, archiving; who is on the care team. None of these commits."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission, Role
from kap.accounts import actions as accounts
from kap.accounts.models import Invitation, Practice, User
from kap.db import db
from kap.patients import queries
from kap.patients.models import CareTeamMember, Patient
from kap.problems import Conflict, Invalid
from kap.sealed import DataKey


@dataclass(frozen=True)
class Identity:
    """Who a patient is. `born` is an ISO date."""

    name: str
    born: str | None = None
    email: str | None = None
    phone: str | None = None


def admit(*, practice: Practice, identity: Identity, actor: Actor, at: datetime) -> Patient:
    """Open a record with a key of its own; the therapist who admits joins the care team."""
    key = DataKey.make()
    patient = Patient(
        practice=practice,
        practice_id=practice.id,
        data_key=key,
        data_key_id=key.id,
        admitted_at=at,
        name=identity.name,
        born=identity.born,
        email=identity.email,
        phone=identity.phone,
    )
    db.session.add(patient)
    db.session.flush()
    audit.record(Permission.PATIENT_ADMIT, actor=actor, patient_id=patient.id, subject=patient)
    if actor.role is Role.THERAPIST and actor.id is not None:
        db.session.add(CareTeamMember(patient_id=patient.id, user_id=actor.id, joined_at=at))
    return patient


def edit(patient: Patient, *, identity: Identity, version: int, actor: Actor, at: datetime) -> None:
    """Change who a patient is. Raises `Conflict` when someone else did since `version`, `Invalid` when the
    address belongs to someone else."""
    if patient.version != version:
        raise Conflict("Someone changed these details since you opened them. Yours are not saved yet.")
    if patient.user is not None:
        accounts.correct(patient.user, name=identity.name, email=identity.email, actor=actor, at=at)
    patient.name, patient.born = identity.name, identity.born
    patient.email, patient.phone = identity.email, identity.phone
    audit.record(Permission.PATIENT_EDIT, actor=actor, patient_id=patient.id, subject=patient)


def archive(patient: Patient, *, actor: Actor, at: datetime) -> None:
    """Take a patient off the lists. Nothing is deleted, and `restore` undoes it."""
    patient.archived_at = patient.archived_at or at
    audit.record(Permission.PATIENT_ARCHIVE, actor=actor, patient_id=patient.id, subject=patient)


def restore(patient: Patient, *, actor: Actor) -> None:
    patient.archived_at = None
    audit.record(Permission.PATIENT_ARCHIVE, actor=actor, patient_id=patient.id, subject=patient)


def join_team(patient: Patient, *, colleague: User, actor: Actor, at: datetime) -> None:
    """Add a therapist of the same practice to the care team; twice is once."""
    if colleague.practice_id != patient.practice_id or colleague.role is not Role.THERAPIST:
        raise Invalid("Only a therapist of this practice can join the care team.")
    if any(member.user_id == colleague.id for member in queries.team_of(patient)):
        return
    try:
        with db.session.begin_nested():
            db.session.add(CareTeamMember(patient_id=patient.id, user_id=colleague.id, joined_at=at))
    except IntegrityError:
        return  # someone else added them in the same moment
    audit.record(Permission.TEAM_CHANGE, actor=actor, patient_id=patient.id, subject=colleague)


def leave_team(patient: Patient, *, user_id: UUID, actor: Actor, at: datetime) -> None:
    """Take someone off the care team. Raises `Invalid` for the last one: a patient is never left alone."""
    # Held, so that the last two cannot leave in the same moment.
    db.session.get(Patient, patient.id, with_for_update={"of": Patient}, populate_existing=True)
    team = queries.team_of(patient)
    member = next((member for member in team if member.user_id == user_id), None)
    if member is None:
        return
    if len(team) == 1:
        raise Invalid("The last therapist cannot leave the care team. Add a colleague first.")
    member.left_at = at
    audit.record(Permission.TEAM_CHANGE, actor=actor, patient_id=patient.id, subject=member)


def invite(patient: Patient, *, actor: Actor, days: int, at: datetime) -> tuple[Invitation, str]:
    """Invite a patient to sign in. Returns the invitation with its token, which is not stored."""
    if patient.user is None:
        if not patient.email:
            raise Invalid("Please add an e-mail address first; it is what they sign in with.")
        patient.user = accounts.enter_user(
            practice=patient.practice,
            role=Role.PATIENT,
            name=patient.name,
            email=patient.email,
            actor=actor,
            at=at,
        )
        patient.user_id = patient.user.id
    audit.record(Permission.PATIENT_INVITE, actor=actor, patient_id=patient.id, subject=patient)
    return accounts.invite(patient.user, actor=actor, days=days, at=at)


def revoke_invitation(patient: Patient, *, actor: Actor, at: datetime) -> None:
    """End a patient's open invitation, if there is one."""
    if patient.user is not None:
        accounts.revoke_invitations(patient.user, actor=actor, at=at)
        audit.record(Permission.PATIENT_INVITE, actor=actor, patient_id=patient.id, subject=patient)
