from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from kap.access.actor import Actor
from kap.db import db
from kap.music.models import Mix
from kap.patients import queries as patients
from kap.patients.models import Patient
from kap.problems import NotThere
from kap.sessions.models import (
    DosingSession,
    Intention,
    MusicWishes,
    SessionDevice,
    SessionNote,
    SessionState,
    UnreadyOpening,
)
from kap.sessions.rules import HEARD_WITHIN

# Someone whose session starts late is still awaited; one that was planned for yesterday is not.
AWAITED_FOR = timedelta(hours=12)


def session_of(patient: Patient, session_id: UUID) -> DosingSession:
    """One of `patient`'s sessions, with its music. Raises `NotThere`."""
    session = db.session.scalars(
        _of(patient).where(DosingSession.id == session_id).options(joinedload(DosingSession.mix))
    ).first()
    if session is None:
        raise NotThere("There is no such session.")
    return session


def sessions_of(patient: Patient) -> list[DosingSession]:
    """Every session, newest first, cancelled ones among them."""
    return list(db.session.scalars(_of(patient).order_by(DosingSession.planned_at.desc())))


def upcoming_of(patient: Patient, at: datetime) -> list[DosingSession]:
    """Planned sessions still ahead or awaited, soonest first."""
    return list(
        db.session.scalars(
            _of(patient)
            .where(DosingSession.state == SessionState.PLANNED, DosingSession.planned_at >= at - AWAITED_FOR)
            .order_by(DosingSession.planned_at)
        )
    )


def open_of(patient: Patient) -> DosingSession | None:
    """The session that runs now; the database holds that there is one at most."""
    return db.session.scalars(_of(patient).where(DosingSession.state == SessionState.OPEN)).first()


def past_of(patient: Patient) -> list[DosingSession]:
    """Closed sessions, newest first."""
    return list(db.session.scalars(_closed(patient)))


def plans_heard_by(patient: Patient) -> dict[UUID, dict[str, Any]]:
    """What the music of each closed session played when, by the session, in one statement."""
    heard = _closed(patient).join(DosingSession.mix).with_only_columns(DosingSession.id, Mix.plan)
    return {session_id: plan for session_id, plan in db.session.execute(heard) if plan is not None}


def latest_closed(patient: Patient) -> DosingSession | None:
    return db.session.scalars(_closed(patient).limit(1)).first()


def in_window(actor: Actor, start: datetime, end: datetime) -> list[DosingSession]:
    """Sessions of the actor's caseload planned from `start` until before `end`, in order; none cancelled.

    Patients and therapists come along, so the cost is one query however many there are.
    """
    caseload = patients.visible_to(actor).where(Patient.archived_at.is_(None)).with_only_columns(Patient.id)
    return list(
        db.session.scalars(
            select(DosingSession)
            .where(
                DosingSession.patient_id.in_(caseload),
                DosingSession.planned_at >= start,
                DosingSession.planned_at < end,
                DosingSession.state != SessionState.CANCELLED,
            )
            .options(
                joinedload(DosingSession.patient).joinedload(Patient.data_key),
                joinedload(DosingSession.therapist),
            )
            .order_by(DosingSession.planned_at)
        )
    )


def notes_of(session: DosingSession) -> list[SessionNote]:
    """In the order they were written."""
    return list(
        db.session.scalars(
            select(SessionNote)
            .where(SessionNote.session_id == session.id)
            .options(joinedload(SessionNote.author))
            .order_by(SessionNote.at, SessionNote.id)
        )
    )


def note_by_client_id(session: DosingSession, client_id: UUID) -> SessionNote | None:
    return db.session.scalars(
        select(SessionNote).where(SessionNote.session_id == session.id, SessionNote.client_id == client_id)
    ).first()


def devices_beside(session: DosingSession, device_id: UUID, *, at: datetime) -> list[SessionDevice]:
    """The other devices of the room that said lately where they stand, in the order they came."""
    return list(
        db.session.scalars(
            select(SessionDevice)
            .where(
                SessionDevice.session_id == session.id,
                SessionDevice.device_id != device_id,
                SessionDevice.at >= at - HEARD_WITHIN,
            )
            .order_by(SessionDevice.outlet, SessionDevice.id)
        )
    )


def heard_again(patient: Patient, session_id: UUID) -> DosingSession:
    """One of `patient`'s sessions whose music they may hear again. Raises `NotThere`."""
    session = session_of(patient, session_id)
    if not session.may_be_heard:
        raise NotThere("There is no music to hear here, or it is not open to you any more.")
    return session


def wishes_of(patient: Patient) -> MusicWishes | None:
    """What music the patient likes and what must not be played; None where nobody has asked them yet."""
    return db.session.scalars(select(MusicWishes).where(MusicWishes.patient_id == patient.id)).first()


def said_wishes(patients: Iterable[Patient]) -> set[UUID]:
    """Of these patients, who has said which music they like and what must not be played, if only nothing."""
    ids = [patient.id for patient in patients]
    return set(db.session.scalars(select(MusicWishes.patient_id).where(MusicWishes.patient_id.in_(ids))))


def wrote_intention(patients: Iterable[Patient]) -> set[UUID]:
    """Of these patients, who has an intention with words in it. What it says is not looked at any further."""
    ids = [patient.id for patient in patients]
    found = db.session.scalars(
        select(Intention)
        .where(Intention.patient_id.in_(ids))
        .options(joinedload(Intention.patient).joinedload(Patient.data_key))
    )
    return {intention.patient_id for intention in found if intention.text.strip()}


def unready_opening_of(session: DosingSession) -> UnreadyOpening | None:
    """That it was opened although something was missing, and why."""
    return db.session.scalars(
        select(UnreadyOpening)
        .where(UnreadyOpening.session_id == session.id)
        .options(joinedload(UnreadyOpening.therapist))
    ).first()


def intention_of(patient: Patient) -> Intention | None:
    """What the patient brings; its text is empty when they took it back."""
    return db.session.scalars(select(Intention).where(Intention.patient_id == patient.id)).first()


def _of(patient: Patient) -> Select[DosingSession]:
    return select(DosingSession).where(DosingSession.patient_id == patient.id)


def _closed(patient: Patient) -> Select[DosingSession]:
    return (
        _of(patient)
        .where(DosingSession.state == SessionState.CLOSED)
        .order_by(DosingSession.closed_at.desc())
    )
