from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import joinedload

from kap.access.actor import Actor
from kap.access.audit import Event
from kap.access.permissions import Role, Tie
from kap.db import db
from kap.patients.models import CareTeamMember, Patient

OF_THE_JOURNAL = ("journal_entry", "comment")  # subjects of events


def visible_to(actor: Actor) -> Select[Patient]:
    """The patients `actor` cares for, or the patient they are: the only way to list patients."""
    everyone = select(Patient).where(Patient.practice_id == actor.practice_id)
    if actor.role is Role.THERAPIST:
        return everyone.where(Patient.id.in_(_caseload(actor)))
    if actor.role is Role.PATIENT:
        return everyone.where(Patient.user_id == actor.id)
    return everyone.where(false())


def _caseload(actor: Actor) -> Select[UUID]:
    return select(CareTeamMember.patient_id).where(
        CareTeamMember.user_id == actor.id, CareTeamMember.left_at.is_(None)
    )


def tie(actor: Actor, patient: Patient) -> Tie:
    """How `actor` stands to `patient`. Administering is a tie, though one that opens nothing clinical."""
    if patient.practice_id != actor.practice_id:
        return Tie.NONE
    if actor.role is Role.PATIENT:
        return Tie.SELF if patient.user_id == actor.id else Tie.NONE
    if actor.role is Role.ADMIN:
        return Tie.PRACTICE
    return Tie.CARE_TEAM if _is_on_team(actor, patient) else Tie.NONE


def _is_on_team(actor: Actor, patient: Patient) -> bool:
    return (
        db.session.scalar(
            select(func.count())
            .select_from(CareTeamMember)
            .where(
                CareTeamMember.patient_id == patient.id,
                CareTeamMember.user_id == actor.id,
                CareTeamMember.left_at.is_(None),
            )
        )
        == 1
    )


def patient_by_id(patient_id: UUID) -> Patient | None:
    return db.session.get(Patient, patient_id, options=[joinedload(Patient.data_key)])


def own_record(actor: Actor) -> Patient | None:
    """The record of a patient who is signed in; nobody else has one."""
    if actor.role is not Role.PATIENT:
        return None
    return db.session.scalars(visible_to(actor).options(joinedload(Patient.data_key))).first()


@dataclass(frozen=True)
class Caseload:
    """A therapist's patients, sorted by name, and how many are archived."""

    patients: list[Patient]
    archived: int


def caseload(actor: Actor, *, search: str = "", archived: bool = False) -> Caseload:
    """Names are sealed, so they are opened and searched here: the cost is the actor's own caseload."""
    everyone = list(db.session.scalars(visible_to(actor).options(joinedload(Patient.user))))
    wanted = search.casefold().split()
    found = [
        patient
        for patient in everyone
        if (patient.archived_at is not None) == archived
        and all(word in patient.name.casefold() for word in wanted)
    ]
    found.sort(key=lambda patient: patient.name.casefold())
    return Caseload(found, sum(patient.archived_at is not None for patient in everyone))


def has_any(actor: Actor) -> bool:
    """Whether there is anyone, archived or not, whom `actor` cares for."""
    return db.session.scalar(visible_to(actor).with_only_columns(Patient.id).limit(1)) is not None


def team_of(patient: Patient) -> list[CareTeamMember]:
    """Current members of the care team, longest first."""
    return list(
        db.session.scalars(
            select(CareTeamMember)
            .where(CareTeamMember.patient_id == patient.id, CareTeamMember.left_at.is_(None))
            .order_by(CareTeamMember.joined_at)
        )
    )


def trace_of(patient: Patient, actor: Actor) -> Select[Event]:
    """Who read or changed this record, newest first, as far as `actor` may know.

    A journal entry may be shared with one person alone, so nobody but the patient sees who else opened it.
    """
    everything = select(Event).where(Event.patient_id == patient.id).order_by(Event.at.desc())
    if actor.role is Role.PATIENT:
        return everything
    elsewhere = Event.subject.is_(None) | Event.subject.not_in(OF_THE_JOURNAL)
    return everything.where(elsewhere | (Event.actor_id == actor.id))
