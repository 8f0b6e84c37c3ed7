"""Locked entries: words that only the writer's browser can open. None of these commits.

The entry's own key seals what is locked once more. Whatever the entry held before, in words or under an
earlier passphrase, goes with that key: a new one is made and the old one destroyed, so that no backup of the
database opens it.
"""

from datetime import datetime
from uuid import UUID

from kap.access.actor import Actor
from kap.db import db
from kap.integration import actions, queries
from kap.integration.actions import CHANGED, GONE, Overwritten
from kap.integration.forgetting import forget
from kap.integration.models import JournalEntry
from kap.integration.resealing import reseal
from kap.integration.rules import Writing
from kap.patients.models import Patient
from kap.problems import Conflict, NotThere

ORDINARY = "This entry is not locked any more. What you typed here is kept on this device."
LOCKED_ELSEWHERE = "This entry was locked somewhere else meanwhile. Open it with the passphrase chosen there."


def own_or_none(patient: Patient, entry_id: UUID) -> JournalEntry | None:
    """The patient's entry, to change it; None where nobody has begun it. Raises `NotThere` for another's."""
    entry = queries.locked(entry_id)
    if entry is not None and (entry.patient_id != patient.id or entry.has_lost_its_key):
        raise NotThere(queries.NOT_WRITTEN)
    return entry


def lock(
    patient: Patient, *, entry_id: UUID, locked: str, version: int, actor: Actor, at: datetime
) -> JournalEntry:
    """Put `locked` in place of the entry's words, title and themes, or begin an entry with it.

    What was said under it goes too, and nobody else sees anything of it any more. The same again changes
    nothing. Raises `Overwritten` when its words are not the ones that were locked.
    """
    entry = own_or_none(patient, entry_id)
    if entry is None:
        if version:
            raise Overwritten(GONE, text="", version=0)
        return _begin(patient, entry_id, locked, at)
    if entry.is_locked and entry.locked == locked:
        return entry
    if entry.is_locked:
        raise Conflict(LOCKED_ELSEWHERE)
    if entry.version != version:
        raise Overwritten(CHANGED, text="", version=entry.version)
    actions.stop_sharing(entry, actor=actor, at=at)
    entry.comments.clear()
    entry.text, entry.title, entry.tags, entry.locked = "", None, None, locked
    _under_new_key(entry)
    return _changed(entry, at)


def save(
    patient: Patient, *, entry_id: UUID, locked: str, version: int, new_lock: bool, at: datetime
) -> JournalEntry:
    """Keep another locked text; with `new_lock`, made under another passphrase, the earlier one is destroyed.

    Raises `Overwritten`, whose text is the locked one that lies here.
    """
    entry = own_or_none(patient, entry_id)
    if entry is None:
        if version:
            raise Overwritten(GONE, text="", version=0)
        return _begin(patient, entry_id, locked, at)
    standing = entry.locked
    if standing is None:
        raise Conflict(ORDINARY)
    if standing == locked:
        return entry
    if entry.version != version:
        raise Overwritten(CHANGED, text=standing, version=entry.version)
    entry.locked = locked
    if new_lock:
        _under_new_key(entry)
    return _changed(entry, at)


def unlock(
    patient: Patient,
    *,
    entry_id: UUID,
    text: str,
    title: str,
    tags: tuple[str, ...],
    version: int,
    at: datetime,
) -> JournalEntry:
    """Make an ordinary entry of it again, of the words that its writer opened. It is private as it was."""
    entry = own_or_none(patient, entry_id)
    if entry is None:
        raise NotThere(queries.NOT_WRITTEN)
    words = Writing(text=text, title=title, tags=tags)
    if not entry.is_locked and (entry.text, entry.title or "", tuple(entry.tags or ())) == (
        words.text,
        words.title,
        words.tags,
    ):
        return entry
    standing = entry.locked
    if standing is None:
        raise Conflict(ORDINARY)
    if entry.version != version:
        raise Overwritten(CHANGED, text=standing, version=entry.version)
    entry.text, entry.title, entry.tags, entry.locked = text, title or None, list(tags) or None, None
    _under_new_key(entry)
    return _changed(entry, at)


def _begin(patient: Patient, entry_id: UUID, locked: str, at: datetime) -> JournalEntry:
    entry = JournalEntry(
        id=entry_id, patient=patient, patient_id=patient.id, made_at=at, edited_at=at, version=1
    )
    entry.make_key()
    entry.text, entry.locked = "", locked
    db.session.add(entry)
    db.session.flush()
    return entry


def _under_new_key(entry: JournalEntry) -> None:
    old = entry.key_id
    reseal(entry)
    if old is not None:
        forget(keys=[old])


def _changed(entry: JournalEntry, at: datetime) -> JournalEntry:
    entry.edited_at = at
    entry.version += 1
    db.session.flush()
    return entry
