from datetime import datetime
from uuid import UUID

from sqlalchemy import Exists, Select, exists, select
from sqlalchemy.orm import joinedload, selectinload

from kap.access.actor import Actor
from kap.access.audit import Event, Outcome
from kap.access.permissions import Permission, Tie
from kap.access.policy import allows
from kap.db import db
from kap.integration.models import Comment, JournalEntry
from kap.patients import queries as patients
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.sessions import queries as sessions
from kap.sessions.models import DosingSession

NOT_WRITTEN = "There is no such entry in your journal."
NOT_SHARED = "This entry is not here. It may no longer be shared."


def entries_visible_to(actor: Actor, patient: Patient, *, limit: int | None = None) -> list[JournalEntry]:
    """The writer's own entries, the shared ones for the care team, none for anyone else; newest first.

    Lists shown to the care team must not open `text`: the writer is told who opened what, entry by entry.
    """
    tie = patients.tie(actor, patient)
    if actor.role is None:
        return []
    if tie is Tie.SELF and allows(actor.role, tie, Permission.JOURNAL_WRITE):
        return list(db.session.scalars(_newest_first(patient).limit(limit)))
    if allows(actor.role, tie, Permission.JOURNAL_READ_SHARED):
        shared = _newest_first(patient).where(JournalEntry.shared_at.is_not(None))
        return list(db.session.scalars(shared.limit(limit)))
    return []


def new_shared(actor: Actor, since: datetime) -> list[JournalEntry]:
    """Entries of the actor's caseload, shared since then, that the actor has not opened; newest first.

    One statement, whatever the size of the caseload, with `patient` loaded.
    """
    if actor.role is None or not allows(actor.role, Tie.CARE_TEAM, Permission.JOURNAL_READ_SHARED):
        return []
    return list(
        db.session.scalars(
            select(JournalEntry)
            .where(
                JournalEntry.patient_id.in_(patients.visible_to(actor).with_only_columns(Patient.id)),
                JournalEntry.shared_at >= since,
                ~_opened_by(actor),
            )
            .options(joinedload(JournalEntry.patient))
            .order_by(JournalEntry.shared_at.desc())
        )
    )


def opened_by(actor: Actor, patient: Patient) -> set[UUID]:
    """Which of the patient's shared entries the actor has opened."""
    return set(
        db.session.scalars(
            select(JournalEntry.id).where(
                JournalEntry.patient_id == patient.id,
                JournalEntry.shared_at.is_not(None),
                _opened_by(actor),
            )
        )
    )


def awaits_entry(patient: Patient, at: datetime) -> DosingSession | None:
    """The latest session closed by `at`, if nothing was written about it or since.

    For the patient's own home only: to anyone else the answer would tell whether they wrote.
    """
    latest = sessions.latest_closed(patient)
    if latest is None or latest.closed_at is None or latest.closed_at > at:
        return None
    about_it = (JournalEntry.session_id == latest.id) | (JournalEntry.made_at >= latest.closed_at)
    written = select(exists().where(JournalEntry.patient_id == patient.id, about_it))
    return None if db.session.scalar(written) else latest


def entry_by(patient: Patient, entry_id: UUID) -> JournalEntry | None:
    """The patient's own entry, if it has been begun."""
    return db.session.scalars(_with_thread(patient, entry_id, to_change=False)).one_or_none()


def own_entry(patient: Patient, entry_id: UUID, *, to_change: bool = False) -> JournalEntry:
    """The patient's own entry. Raises `NotThere`, for another's as for one that never was.

    `to_change` keeps others from changing it until the transaction ends.
    """
    entry = db.session.scalars(_with_thread(patient, entry_id, to_change)).one_or_none()
    if entry is None:
        raise NotThere(NOT_WRITTEN)
    return entry


def shared_entry(patient: Patient, entry_id: UUID, *, to_change: bool = False) -> JournalEntry:
    """An entry the patient shares. Raises `NotThere`, for a private one as for one that never was.

    `to_change` keeps it shared until the transaction ends.
    """
    entry = db.session.scalars(
        _with_thread(patient, entry_id, to_change).where(JournalEntry.shared_at.is_not(None))
    ).one_or_none()
    if entry is None:
        raise NotThere(NOT_SHARED)
    return entry


def locked(entry_id: UUID) -> JournalEntry | None:
    """The entry as it stands now, whoever wrote it, kept from changing until the transaction ends."""
    return db.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.id == entry_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def openings_of(entry: JournalEntry) -> list[Event]:
    """Each time someone of the care team opened the entry, latest first."""
    return list(
        db.session.scalars(
            select(Event)
            .where(
                Event.patient_id == entry.patient_id,
                Event.subject_id == entry.id,
                Event.outcome == Outcome.READ,
            )
            .order_by(Event.at.desc())
        )
    )


def readers_of(patient: Patient) -> list[str]:
    """The names of those who can read what the patient shares, longest on the care team first."""
    return [member.user.name for member in patients.team_of(patient) if member.user.closed_at is None]


def _newest_first(patient: Patient) -> Select[JournalEntry]:
    return (
        select(JournalEntry)
        .where(JournalEntry.patient_id == patient.id)
        .options(
            joinedload(JournalEntry.patient).joinedload(Patient.data_key),
            joinedload(JournalEntry.session),
            selectinload(JournalEntry.comments),
        )
        .order_by(JournalEntry.made_at.desc())
    )


def _with_thread(patient: Patient, entry_id: UUID, to_change: bool) -> Select[JournalEntry]:
    found = (
        select(JournalEntry)
        .where(JournalEntry.id == entry_id, JournalEntry.patient_id == patient.id)
        .options(selectinload(JournalEntry.comments).joinedload(Comment.author))
    )
    return found.with_for_update() if to_change else found


def _opened_by(actor: Actor) -> Exists:
    return (
        exists()
        .where(
            Event.patient_id == JournalEntry.patient_id,
            Event.subject_id == JournalEntry.id,
            Event.actor_id == actor.id,
            Event.outcome == Outcome.READ,
        )
        .correlate(JournalEntry)
    )
