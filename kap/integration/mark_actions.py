"""Bring an entry to the next session, or no longer. None of these commits."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission, Role
from kap.db import db
from kap.integration import mark_queries as queries
from kap.integration.mark_models import EntryMark
from kap.integration.models import JournalEntry


def bring(entry: JournalEntry, *, actor: Actor, at: datetime) -> None:
    """Mark the entry in one's own name; twice is once. Of a private one no event tells."""
    if actor.id is None:
        raise TypeError("a mark needs someone who made it")
    if queries.mark_by(entry, actor.id) is not None:
        return
    try:
        with db.session.begin_nested():
            db.session.add(EntryMark(entry_id=entry.id, user_id=actor.id, at=at))
    except IntegrityError:
        return  # pressed twice at once
    _record(entry, actor)


def leave(entry: JournalEntry, *, actor: Actor) -> None:
    """Take one's own mark back. The writer takes every mark off: it is their entry."""
    marks = [
        mark for mark in queries.marks_on(entry) if actor.role is Role.PATIENT or mark.user_id == actor.id
    ]
    for mark in marks:
        db.session.delete(mark)
    if marks:
        db.session.flush()
        _record(entry, actor)


def _record(entry: JournalEntry, actor: Actor) -> None:
    if entry.shared_at is not None:
        audit.record(Permission.JOURNAL_MARK, actor=actor, patient_id=entry.patient_id, subject=entry)
