"""Writing, sharing, commenting. None of these commits.

Private writing leaves no event: the care team may read the trace of a record and the administrator the log,
and neither may learn from them that there is an entry, let alone when it was written. Only sharing is logged.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kap.access import audit
from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.db import db
from kap.integration import queries
from kap.integration.models import Comment, JournalEntry
from kap.integration.rules import Writing
from kap.patients.models import Patient
from kap.problems import Conflict, Invalid, NotThere

CHANGED = "This entry was changed somewhere else. Nothing is overwritten; both versions are on this page."
GONE = "This entry was deleted somewhere else. What you typed is still here; saving makes it a new entry."


class Overwritten(Conflict):
    """Someone else wrote since the `version` this writing began from; theirs is `text`, at `version`."""

    def __init__(self, sentence: str, *, text: str, version: int) -> None:
        super().__init__(sentence)
        self.text = text
        self.version = version


def write(
    patient: Patient, *, entry_id: UUID, writing: Writing, version: int, at: datetime
) -> JournalEntry | None:
    """Put `writing` on the page `entry_id`, beginning the entry when `version` is 0.

    The page chose the id, so that asking twice makes one entry; the same writing again changes nothing.
    Returns None while there is nothing to keep. Raises `Overwritten`, and `NotThere` for another's entry.
    """
    entry = queries.locked(entry_id)
    if entry is None and version == 0:
        if writing.is_blank:
            return None
        begun = _begin(patient, entry_id, writing, at)
        if begun is not None:
            return begun
        entry = queries.locked(entry_id)  # the same page, sent twice at once
    if entry is None:
        raise Overwritten(GONE, text="", version=0)
    if entry.patient_id != patient.id:
        raise NotThere(queries.NOT_WRITTEN)
    return _rewrite(entry, writing, version, at)


def share(entry: JournalEntry, *, actor: Actor, at: datetime) -> None:
    """Let the care team read this entry, from now until `stop_sharing`. Twice is once."""
    if entry.shared_at is None:
        entry.shared_at = at
        _record_sharing(entry, actor)


def stop_sharing(entry: JournalEntry, *, actor: Actor) -> None:
    """Take the entry back: from now on it is as if it did not exist for anyone but the writer."""
    if entry.shared_at is not None:
        entry.shared_at = None
        _record_sharing(entry, actor)


def delete(entry: JournalEntry, *, actor: Actor) -> None:
    """Remove the entry and what was said under it, for good."""
    stop_sharing(entry, actor=actor)
    db.session.delete(entry)


def comment(entry: JournalEntry, *, comment_id: UUID, text: str, actor: Actor, at: datetime) -> None:
    """Say something under a shared entry; the page chose the id, so that sending twice says it once.

    Raises `Invalid` while the entry is private: there is nobody to talk to, and the log would show it.
    """
    if entry.shared_at is None:
        raise Invalid("Share this entry first; then you and your care team can talk about it here.")
    if actor.id is None:
        raise TypeError("a comment needs its author")
    if db.session.get(Comment, comment_id) is not None:
        return
    with db.session.no_autoflush:  # sealing looks up the key while the comment is half made
        said = Comment(id=comment_id, entry=entry, author_id=actor.id, at=at, text=text)
    db.session.add(said)
    audit.record(Permission.COMMENT_WRITE, actor=actor, patient_id=entry.patient_id, subject=said)


def _begin(patient: Patient, entry_id: UUID, writing: Writing, at: datetime) -> JournalEntry | None:
    """A new entry, or None when another request began it in this moment."""
    entry = JournalEntry(
        id=entry_id, patient=patient, patient_id=patient.id, made_at=at, edited_at=at, version=1
    )
    _put(entry, writing)
    try:
        with db.session.begin_nested():
            db.session.add(entry)
    except IntegrityError:
        return None
    return entry


def _rewrite(entry: JournalEntry, writing: Writing, version: int, at: datetime) -> JournalEntry:
    if writing == _written_in(entry):
        return entry
    if version != entry.version:
        raise Overwritten(CHANGED, text=entry.text, version=entry.version)
    _put(entry, writing)
    entry.edited_at = at
    entry.version += 1
    db.session.flush()
    return entry


def _put(entry: JournalEntry, writing: Writing) -> None:
    entry.text = writing.text
    entry.mood_before, entry.mood_after = writing.mood_before, writing.mood_after
    entry.session_id = writing.session_id


def _written_in(entry: JournalEntry) -> Writing:
    return Writing(
        text=entry.text,
        mood_before=entry.mood_before,
        mood_after=entry.mood_after,
        session_id=entry.session_id,
    )


def _record_sharing(entry: JournalEntry, actor: Actor) -> None:
    audit.record(Permission.JOURNAL_SHARE, actor=actor, patient_id=entry.patient_id, subject=entry)
