"""The log of acts: who did or read what, on whose record, when. Never what it said."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kap.access.actor import Actor
from kap.access.permissions import Permission
from kap.clock import now
from kap.db import Model, choice, db


class Outcome(StrEnum):
    DONE = "done"
    READ = "read"
    REFUSED = "refused"


class Event(Model):
    """One act. It outlives what it speaks of, so it refers to rows by plain identifiers."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_patient_at", "patient_id", "at"),
        Index("ix_event_practice_at", "practice_id", "at"),
    )

    at: Mapped[datetime]
    practice_id: Mapped[UUID | None] = mapped_column(ForeignKey("practice.id"))
    actor_id: Mapped[UUID | None]
    actor_role: Mapped[str | None] = mapped_column(String(20))
    patient_id: Mapped[UUID | None]
    act: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome))
    subject: Mapped[str | None] = mapped_column(String(40))  # kind of thing, e.g. "journal_entry"
    subject_id: Mapped[UUID | None]


def record(
    act: Permission | str,
    *,
    actor: Actor,
    patient_id: UUID | None = None,
    subject: Model | None = None,
) -> None:
    """Add the event of a change to the transaction that makes the change: both stand or neither."""
    db.session.add(event_of(act, Outcome.DONE, actor=actor, patient_id=patient_id, subject=subject))


def event_of(
    act: Permission | str,
    outcome: Outcome,
    *,
    actor: Actor,
    patient_id: UUID | None = None,
    subject: Model | None = None,
) -> Event:
    """The event of one act, not yet in a session. Refuses an act without an actor."""
    if not isinstance(actor, Actor):
        raise TypeError("an act needs its actor")
    return Event(
        at=now(),
        practice_id=actor.practice_id,
        actor_id=actor.id,
        actor_role=actor.role.value if actor.role else None,
        patient_id=patient_id,
        act=str(act),
        outcome=outcome,
        subject=subject.__tablename__ if subject else None,
        subject_id=subject.id if subject else None,
    )
