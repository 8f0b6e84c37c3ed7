"""What someone wants to bring to the next session."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from kap.access.actor import Actor
from kap.db import db
from kap.integration import queries
from kap.integration.mark_models import EntryMark
from kap.integration.models import JournalEntry
from kap.integration.visible import Visible
from kap.patients.models import Patient


@dataclass(frozen=True)
class Brought:
    """An entry as its reader may see it, and who wants to bring it: (name, whether that is the reader)."""

    entry: Visible
    by: list[tuple[str, bool]]

    @property
    def is_mine(self) -> bool:
        return any(mine for _, mine in self.by)

    @property
    def names(self) -> str:
        return " and ".join("you" if mine else name for name, mine in self.by)


def brought(actor: Actor, patient: Patient) -> list[Brought]:
    """Marked entries that `actor` may see, newest first. What is private is the writer's list alone."""
    marked = _marks_of(patient)
    if not marked:
        return []
    entries = queries.entries_visible_to(actor, patient)
    return [Brought(seen, _by(marked[seen.id], actor)) for seen in entries if seen.id in marked]


def brought_entry(actor: Actor, seen: Visible) -> Brought:
    """Who wants to bring this one, for its own page."""
    marks = _marks_of(seen.patient, only=[seen.id]).get(seen.id, [])
    return Brought(seen, _by(marks, actor))


def mark_by(entry: JournalEntry, user_id: UUID) -> EntryMark | None:
    return db.session.scalars(
        select(EntryMark).where(EntryMark.entry_id == entry.id, EntryMark.user_id == user_id)
    ).first()


def marks_on(entry: JournalEntry) -> list[EntryMark]:
    return list(db.session.scalars(select(EntryMark).where(EntryMark.entry_id == entry.id)))


def _marks_of(patient: Patient, only: Collection[UUID] | None = None) -> dict[UUID, list[EntryMark]]:
    wanted = (
        select(EntryMark)
        .join(JournalEntry, EntryMark.entry_id == JournalEntry.id)
        .where(JournalEntry.patient_id == patient.id)
        .options(joinedload(EntryMark.user))
        .order_by(EntryMark.at, EntryMark.id)
    )
    if only is not None:
        wanted = wanted.where(EntryMark.entry_id.in_(only))
    found: dict[UUID, list[EntryMark]] = {}
    for mark in db.session.scalars(wanted):
        found.setdefault(mark.entry_id, []).append(mark)
    return found


def _by(marks: list[EntryMark], actor: Actor) -> list[tuple[str, bool]]:
    return [(mark.user.name, mark.user_id == actor.id) for mark in marks]
