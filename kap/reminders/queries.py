from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from kap.access.actor import Actor
from kap.access.permissions import Role
from kap.accounts.models import Practice, User
from kap.crypto import token_digest
from kap.db import db
from kap.mail import queries as mail
from kap.mail.models import SentLetter
from kap.mail.posting import address_digest
from kap.patients.models import Patient
from kap.patients.queries import visible_to
from kap.patients.reasons import Kind, Reason, Window, reasons_for
from kap.problems import NotThere
from kap.reminders import rules
from kap.reminders.models import (
    PER_DAY,
    PER_WEEK,
    QUIET_FROM,
    QUIET_UNTIL,
    CalendarFeed,
    LetterChoice,
    LetterRules,
    Reminder,
)
from kap.reminders.rules import Limits, Quiet
from kap.sealed import instance_key
from kap.sessions.models import DosingSession

REMINDER = "reminders.letter"  # what such letters are called in the delivery log
WEEK = timedelta(days=7)
FEED_BEFORE = timedelta(days=90)


@dataclass(frozen=True)
class Standing:
    """What holds for the letters to one patient, their own choices over the practice's."""

    zone: str
    quiet: Quiet
    limits: Limits
    off: frozenset[Kind]
    paused: bool


def rules_of(practice_id: UUID) -> LetterRules:
    """What the practice set, or the defaults in a row that is not in the database."""
    found = db.session.scalars(select(LetterRules).where(LetterRules.practice_id == practice_id)).first()
    return found or LetterRules(
        practice_id=practice_id, quiet_from=QUIET_FROM, quiet_until=QUIET_UNTIL,
        per_day=PER_DAY, per_week=PER_WEEK, off=[], signature="",
    )  # fmt: skip


def address_of(patient: Patient) -> str:
    """Where reminders go: the address in the details, which can be corrected, else what they sign in with."""
    return patient.email or (patient.user.email if patient.user else "")


def choice_of(patient: Patient) -> LetterChoice | None:
    return db.session.scalars(select(LetterChoice).where(LetterChoice.patient_id == patient.id)).first()


def standing(patient: Patient, choice: LetterChoice | None, general: LetterRules) -> Standing:
    """What holds for this patient."""
    own = choice.quiet if choice else None
    return Standing(
        zone=(choice.zone if choice else None) or patient.practice.zone,
        quiet=own or general.quiet,
        limits=general.limits,
        off=(choice.kinds_off if choice else frozenset()) | general.kinds_off,
        paused=choice is not None and choice.paused_at is not None,
    )


def standing_of(patient: Patient) -> Standing:
    return standing(patient, choice_of(patient), rules_of(patient.practice_id))


def due(practice: Practice, *, at: datetime) -> dict[UUID, list[Reason]]:
    """What each patient of a practice is to be told now, all of it in one letter.

    A fixed number of statements, however many patients.
    """
    general = rules_of(practice.id)
    patients = _reachable(practice.id)
    choices = {
        row.patient_id: row
        for row in db.session.scalars(
            select(LetterChoice).join(Patient).where(Patient.practice_id == practice.id)
        )
    }
    sent = mail.sent_since(practice.id, REMINDER, at - WEEK)
    stands = {each.id: standing(each, choices.get(each.id), general) for each in patients}
    may = [each for each in patients if _may_be_written_to(stands[each.id], sent.get(each.id, []), at)]
    window = Window(at, {each.id: stands[each.id].zone for each in may})
    found: dict[UUID, list[Reason]] = {}
    for reason in reasons_for(may, window):
        found.setdefault(reason.patient_id, []).append(reason)
    told = _told(found, practice.id)
    chosen = {
        patient_id: rules.chosen(
            reasons, told=frozenset(told.get(patient_id, ())), off=stands[patient_id].off
        )
        for patient_id, reasons in found.items()
    }
    wanted = {patient_id: reasons for patient_id, reasons in chosen.items() if reasons}
    unreachable = _with_bad_address(practice.id, [each for each in may if each.id in wanted])
    return {patient_id: reasons for patient_id, reasons in wanted.items() if patient_id not in unreachable}


def still_due(patient: Patient, letter_id: UUID, *, at: datetime) -> list[Reason]:
    """Of the reasons a letter was made for, those that hold now and are of a kind that is on."""
    stands = standing_of(patient)
    keys = set(db.session.scalars(select(Reminder.key).where(Reminder.letter_id == letter_id)))
    now_due = reasons_for([patient], Window(at, {patient.id: stands.zone}))
    return [each for each in now_due if each.key in keys and each.kind not in stands.off]


def patient_of_letter(letter_id: UUID) -> Patient | None:
    return db.session.scalars(
        select(Patient)
        .join(Reminder, Reminder.patient_id == Patient.id)
        .where(Reminder.letter_id == letter_id)
        .options(joinedload(Patient.user))
        .limit(1)
    ).first()


def kinds_of(letter_ids: Sequence[UUID | None]) -> dict[UUID, list[Kind]]:
    """What reminders told of, by `about` of their letters."""
    found: dict[UUID, set[str]] = {}
    rows = db.session.execute(
        select(Reminder.letter_id, Reminder.kind)
        .where(Reminder.letter_id.in_([each for each in letter_ids if each is not None]))
        .distinct()
    )
    for letter_id, kind in rows:
        found.setdefault(letter_id, set()).add(kind)
    return {letter_id: [kind for kind in Kind if kind in names] for letter_id, names in found.items()}


def undelivered(actor: Actor) -> list[tuple[Patient, SentLetter]]:
    """For the therapist's home: whom a letter did not reach, each patient once, the newest first.

    Two statements, however long the caseload.
    """
    caseload = visible_to(actor).where(Patient.archived_at.is_(None))
    newest: dict[UUID | None, SentLetter] = {}
    for letter in mail.undelivered(caseload.with_only_columns(Patient.id)):
        newest.setdefault(letter.patient_id, letter)
    if not newest:
        return []
    people = {each.id: each for each in db.session.scalars(caseload.where(Patient.id.in_(list(newest))))}
    return [(people[each.patient_id], each) for each in newest.values() if each.patient_id in people]


def feed_of(user_id: UUID) -> CalendarFeed | None:
    return db.session.scalars(select(CalendarFeed).where(CalendarFeed.user_id == user_id)).first()


def feed_token(feed: CalendarFeed) -> str:
    """The secret part of the address. It lies nowhere: the instance key yields it anew."""
    return instance_key().lookup_digest("calendar", str(feed.id))


def feed_by_token(token: str) -> CalendarFeed:
    """Raises `NotThere` for an address that was removed, replaced or never was."""
    found = db.session.scalars(
        select(CalendarFeed).where(CalendarFeed.token_digest == token_digest(token))
    ).first()
    if found is None or found.user.closed_at is not None:
        raise NotThere("There is no calendar here.")
    return found


def appointments_of(user: User, *, at: datetime) -> list[DosingSession]:
    """What is in someone's calendar, cancelled ones too: a patient's own, or what a therapist holds."""
    wanted = (
        select(DosingSession)
        .where(
            DosingSession.patient_id.in_(
                visible_to(user.actor).where(Patient.archived_at.is_(None)).with_only_columns(Patient.id)
            ),
            DosingSession.planned_at >= at - FEED_BEFORE,
        )
        .order_by(DosingSession.planned_at, DosingSession.id)
    )
    if user.role is not Role.PATIENT:
        wanted = wanted.where(DosingSession.therapist_id == user.id)
    return list(db.session.scalars(wanted))


def _reachable(practice_id: UUID) -> list[Patient]:
    """Patients who can sign in; nobody else has anything to be reminded of."""
    return list(
        db.session.scalars(
            select(Patient)
            .join(User, Patient.user_id == User.id)
            .where(
                Patient.practice_id == practice_id,
                Patient.archived_at.is_(None),
                User.password_hash.is_not(None),
                User.closed_at.is_(None),
            )
            .options(joinedload(Patient.data_key), contains_eager(Patient.user))
            .order_by(Patient.id)
        )
    )


def _may_be_written_to(stands: Standing, sent: list[datetime], at: datetime) -> bool:
    return (
        not stands.paused
        and not rules.is_quiet(at, stands.zone, stands.quiet)
        and rules.has_room(sent, at=at, zone=stands.zone, limits=stands.limits)
    )


def _with_bad_address(practice_id: UUID, patients: Sequence[Patient]) -> set[UUID]:
    """Whose letters would not arrive. Their reasons wait for an address that works, as long as they hold."""
    digests = {each.id: address_digest(address_of(each)) for each in patients}
    bad = mail.bad_among(practice_id, list(digests.values())) if digests else set()
    return {patient_id for patient_id, digest in digests.items() if digest in bad}


def _told(found: dict[UUID, list[Reason]], practice_id: UUID) -> dict[UUID, set[str]]:
    """Which of these reasons letters were written for."""
    told: dict[UUID, set[str]] = {}
    keys = {reason.key for reasons in found.values() for reason in reasons}
    if keys:
        rows = db.session.execute(
            select(Reminder.patient_id, Reminder.key)
            .join(Patient, Reminder.patient_id == Patient.id)
            .where(Patient.practice_id == practice_id, Reminder.key.in_(keys))
        )
        for patient_id, key in rows:
            told.setdefault(patient_id, set()).add(key)
    return told
