"""The reasons that come from sessions, preparation, papers and the journal; a few statements each."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, select

from kap.clock import day_in
from kap.consents.queries import asked_of_all
from kap.db import db
from kap.integration.models import Comment, EntryShare, JournalEntry
from kap.patients.models import Patient
from kap.patients.reasons import Kind, Reason, Window, source
from kap.preparation.models import Assignment
from kap.reminders import rules
from kap.screening.queries import screening_of_all
from kap.sessions.models import DosingSession, SessionState

AHEAD = timedelta(days=max(rules.PAPERS_DAYS) + 2)  # two days more than needed, for any zone


@source("appointments")
def appointments(patients: Sequence[Patient], window: Window) -> list[Reason]:
    """An appointment tomorrow. One that is moved is another reason."""
    return [
        Reason(
            patient_id=each.patient_id,
            kind=Kind.APPOINTMENT,
            key=f"appointment:{each.id}:{each.planned_at:%Y%m%d%H%M}",
            begins=rules.appointment_begins(each.planned_at, window.zones[each.patient_id]),
            ends=each.planned_at - rules.HOURS_BEFORE,
            tells=each.planned_at,
        )
        for each in _planned(patients, window)
    ]


@source("preparation")
def preparation(patients: Sequence[Patient], window: Window) -> list[Reason]:
    """A guide that is due and not finished; one without a day, before the next appointment."""
    unfinished = list(
        db.session.scalars(
            select(Assignment).where(
                Assignment.patient_id.in_([patient.id for patient in patients]),
                Assignment.done_at.is_(None),
                Assignment.withdrawn_at.is_(None),
            )
        )
    )
    next_one = {each.patient_id: each for each in reversed(_planned(patients, window))}
    found = []
    for each in unfinished:
        zone = window.zones[each.patient_id]
        session = next_one.get(each.patient_id)
        if each.due_on is not None:
            key, (begins, ends) = f"{each.due_on}", rules.preparing(each.due_on, zone)
        elif session is not None:
            key, (begins, ends) = f"{session.id}", rules.preparing_undated(session.planned_at, zone)
        else:
            continue
        found.append(Reason(each.patient_id, Kind.PREPARE, f"prepare:{each.id}:{key}", begins, ends))
    return found


@source("papers")
def papers(patients: Sequence[Patient], window: Window) -> list[Reason]:
    """Consents to sign or health questions to answer before an appointment."""
    next_one = {each.patient_id: each for each in reversed(_planned(patients, window))}
    soon = [patient for patient in patients if patient.id in next_one]
    if not soon:
        return []
    unsigned = asked_of_all(soon, on=day_in(window.at, soon[0].practice.zone))
    screened = screening_of_all(soon, at=window.at)
    found = []
    for patient in soon:
        wanted = [each.consent.slug for each in unsigned[patient.id] if each.is_wanted]
        if not wanted and not screened[patient.id].wants_answers:
            continue
        session = next_one[patient.id]
        for name, begins, ends in rules.papers_begin(session.planned_at, window.zones[patient.id]):
            found.append(Reason(patient.id, Kind.PAPERS, f"papers:{session.id}:{name}", begins, ends))
    return found


@source("writing")
def writing(patients: Sequence[Patient], window: Window) -> list[Reason]:
    """A time to write after a session, by the clock alone: whether someone wrote is theirs to know."""
    closed = db.session.execute(
        select(DosingSession.id, DosingSession.patient_id, DosingSession.closed_at).where(
            DosingSession.patient_id.in_([patient.id for patient in patients]),
            DosingSession.state == SessionState.CLOSED,
            DosingSession.closed_at >= window.at - rules.WRITING_ENDS,
        )
    )
    return [
        Reason(patient_id, Kind.WRITE, f"write:{session_id}:{name}", begins, ends)
        for session_id, patient_id, closed_at in closed
        if closed_at is not None
        for name, begins, ends in rules.writing_times(closed_at, window.zones[patient_id])
    ]


@source("answers")
def answers(patients: Sequence[Patient], window: Window) -> list[Reason]:
    """Something said under an entry that the whole care team was shown.

    The whole team reads the delivery log: a letter about an entry that is private, or that was shown to one
    of them alone, would tell the others of it.
    """
    owners = {patient.id: patient.user_id for patient in patients}
    said = db.session.execute(
        select(Comment.id, Comment.author_id, Comment.at, JournalEntry.patient_id)
        .join(JournalEntry, Comment.entry_id == JournalEntry.id)
        .where(
            JournalEntry.patient_id.in_(list(owners)),
            exists().where(EntryShare.entry_id == JournalEntry.id, EntryShare.user_id.is_(None)),
            Comment.at >= window.at - rules.ANSWER_FOR,
        )
    )
    return [
        Reason(
            patient_id,
            Kind.ANSWER,
            f"answer:{comment_id}",
            at + rules.ANSWER_AFTER,
            at + rules.ANSWER_FOR,
        )
        for comment_id, author_id, at, patient_id in said
        if author_id != owners[patient_id]
    ]


def _planned(patients: Sequence[Patient], window: Window) -> list[DosingSession]:
    """Their planned sessions of the days ahead, soonest first."""
    ids: list[UUID] = [patient.id for patient in patients]
    return list(
        db.session.scalars(
            select(DosingSession)
            .where(
                DosingSession.patient_id.in_(ids),
                DosingSession.state == SessionState.PLANNED,
                DosingSession.planned_at > window.at,
                DosingSession.planned_at < window.at + AHEAD,
            )
            .order_by(DosingSession.planned_at, DosingSession.id)
        )
    )
