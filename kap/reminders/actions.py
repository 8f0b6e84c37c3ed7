"""Choosing, pausing, writing reminders; a calendar address. None of these commits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete

from kap import mail
from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.accounts.models import Practice, User
from kap.crypto import token_digest
from kap.db import db
from kap.mail import posting
from kap.mail.models import SentLetter
from kap.mail.rules import UNDELIVERED
from kap.patients.models import Patient
from kap.patients.reasons import Kind
from kap.problems import Conflict
from kap.reminders import queries
from kap.reminders.models import CalendarFeed, LetterChoice, Reminder
from kap.reminders.rules import Limits, Quiet


@dataclass(frozen=True)
class Choices:
    """What a patient wants: kinds that are on; their own quiet hours and zone, None for the practice's."""

    on: frozenset[Kind]
    quiet: Quiet | None
    zone: str | None


def write_due(practice: Practice, *, at: datetime) -> int:
    """Write one letter to each patient for whom something is due. Returns how many.

    The row of a reason and its letter stand in one transaction, and the reasons are unique, so a reason has
    one letter whoever asks and however often. Of two who ask at once the later gets an `IntegrityError`.
    """
    found = queries.due(practice, at=at)
    for patient_id, reasons in found.items():
        letter_id = uuid4()
        db.session.add_all(
            Reminder(
                patient_id=patient_id, key=each.key, kind=each.kind.value, letter_id=letter_id, made_at=at
            )
            for each in reasons
        )
        mail.post(
            queries.REMINDER,
            practice_id=practice.id,
            patient_id=patient_id,
            about=letter_id,
            letter_id=letter_id,
        )
    db.session.flush()
    return len(found)


def choose(patient: Patient, *, wanted: Choices, version: int) -> None:
    """Keep what a patient chose. Raises `Conflict` when it was changed since `version`, 0 for none yet."""
    choice = _choice(patient)
    if choice.version != version:
        raise Conflict("This was changed somewhere else since you opened it. Yours is not saved yet.")
    choice.off = [kind.value for kind in Kind if kind not in wanted.on]
    choice.zone = wanted.zone
    choice.quiet_from = wanted.quiet.begins if wanted.quiet else None
    choice.quiet_until = wanted.quiet.ends if wanted.quiet else None
    db.session.add(choice)
    db.session.flush()


def stop(patient: Patient, kinds: Iterable[Kind]) -> None:
    """Send no more letters of these kinds, by a link in one or by its List-Unsubscribe."""
    choice = _choice(patient)
    off = choice.kinds_off | frozenset(kinds)
    choice.off = [kind.value for kind in Kind if kind in off]
    db.session.add(choice)
    db.session.flush()


def resume(patient: Patient, kinds: Iterable[Kind]) -> None:
    """Undo `stop`."""
    choice = _choice(patient)
    off = choice.kinds_off - frozenset(kinds)
    choice.off = [kind.value for kind in Kind if kind in off]
    db.session.add(choice)
    db.session.flush()


def pause(patient: Patient, *, actor: Actor, at: datetime) -> None:
    """Have Kap write no reminders to this patient until `go_on`."""
    choice = _choice(patient)
    choice.paused_at = choice.paused_at or at
    db.session.add(choice)
    audit.record(Permission.LETTERS_PAUSE, actor=actor, patient_id=patient.id, subject=choice)


def go_on(patient: Patient, *, actor: Actor) -> None:
    choice = _choice(patient)
    choice.paused_at = None
    db.session.add(choice)
    audit.record(Permission.LETTERS_PAUSE, actor=actor, patient_id=patient.id, subject=choice)


def send_again(patient: Patient, letter: SentLetter, *, actor: Actor, at: datetime) -> None:
    """Send a letter that did not arrive once more. Raises `Conflict` for one that did, or was sent again."""
    if letter.state not in UNDELIVERED or letter.put_aside_at is not None:
        raise Conflict("This letter does not wait for anyone any more.")
    posting.post_again(letter, at=at)
    audit.record(Permission.LETTERS_SETTLE, actor=actor, patient_id=patient.id, subject=letter)


def put_aside(patient: Patient, letter: SentLetter, *, actor: Actor, at: datetime) -> None:
    """Take a letter that did not arrive off the therapists' homes. It stays in the log."""
    posting.put_aside(letter, at=at)
    audit.record(Permission.LETTERS_SETTLE, actor=actor, patient_id=patient.id, subject=letter)


def take_up(patient: Patient, letter: SentLetter, *, actor: Actor) -> None:
    """Undo `put_aside`."""
    letter.put_aside_at = None
    audit.record(Permission.LETTERS_SETTLE, actor=actor, patient_id=patient.id, subject=letter)


def set_rules(
    practice: Practice, *, quiet: Quiet, limits: Limits, on: frozenset[Kind], signature: str, actor: Actor
) -> None:
    """Set what holds for a practice's letters unless a patient chose otherwise."""
    general = queries.rules_of(practice.id)
    general.quiet_from, general.quiet_until = quiet.begins, quiet.ends
    general.per_day, general.per_week = limits.per_day, limits.per_week
    general.off = [kind.value for kind in Kind if kind not in on]
    general.signature = signature
    db.session.add(general)
    audit.record(Permission.LETTERS_RULES, actor=actor, subject=practice)


def open_feed(user: User, *, at: datetime) -> CalendarFeed:
    """Give someone a calendar address; the one they had ends."""
    close_feed(user)
    feed = CalendarFeed(id=uuid4(), user=user, user_id=user.id, made_at=at, token_digest="")
    feed.token_digest = token_digest(queries.feed_token(feed))
    db.session.add(feed)
    db.session.flush()
    audit.record(Permission.CALENDAR_KEEP, actor=user.actor, subject=user)
    return feed


def close_feed(user: User) -> None:
    """End someone's calendar address, if there is one."""
    db.session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == user.id))
    audit.record(Permission.CALENDAR_KEEP, actor=user.actor, subject=user)


def _choice(patient: Patient) -> LetterChoice:
    return queries.choice_of(patient) or LetterChoice(
        patient_id=patient.id, zone=None, quiet_from=None, quiet_until=None, off=[], paused_at=None, version=0
    )
