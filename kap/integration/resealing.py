"""Giving entries of an earlier version a key of their own, as a migration has no instance key."""

from uuid import UUID

from sqlalchemy import select

from kap.db import db, transaction
from kap.integration.models import EntryFile, JournalEntry
from kap.keys import key_store
from kap.sealed import Sealed

AT_A_TIME = 100
_SEALED = [name for name, value in vars(JournalEntry).items() if isinstance(value, Sealed)]


def give_keys() -> int:
    """Seal whatever still lies under its patient's key under one of its own. Says how many."""
    done = 0
    while ids := _without_key():
        for entry_id in ids:
            done += _give_key(entry_id)
    return done


def _without_key() -> list[UUID]:
    with transaction() as session:
        return list(
            session.scalars(select(JournalEntry.id).where(JournalEntry.key_id.is_(None)).limit(AT_A_TIME))
        )


def _give_key(entry_id: UUID) -> int:
    with transaction() as session:
        entry = session.get(JournalEntry, entry_id, with_for_update=True, populate_existing=True)
        if entry is None or entry.key_id is not None:
            return 0  # deleted meanwhile, or another process was faster
        reseal(entry)
    return 1


def reseal(entry: JournalEntry) -> None:
    """Move what the entry says, and what was said under it, from the patient's key to a new one."""
    words = {name: getattr(entry, name) for name in _SEALED}
    said = [(comment, comment.text) for comment in entry.comments]
    entry.make_key()
    for name, value in words.items():
        setattr(entry, name, value)
    for comment, text in said:
        comment.text = text
    db.session.flush()


def without_their_keys() -> int:
    """How many entries and files cannot be opened, because their keys are gone."""
    named = [
        *db.session.scalars(select(JournalEntry.key_id).where(JournalEntry.key_id.is_not(None))),
        *db.session.scalars(select(EntryFile.key_id)),
    ]
    return len(named) - key_store().count(named)
