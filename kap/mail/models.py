from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kap.db import Model, choice
from kap.mail.rules import LetterState, Reason


class SentLetter(Model):
    """One letter in the delivery log. Of what it says and to whom, this holds nothing: see `composing`."""

    __tablename__ = "sent_letter"
    __table_args__ = (
        Index("ix_sent_letter_practice_made", "practice_id", "made_at"),
        Index("ix_sent_letter_patient_made", "patient_id", "made_at"),
    )

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))  # of its composer
    about: Mapped[UUID | None]  # the row it was written for
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)  # identifiers for the composer
    # The same at every attempt, so that a letter that arrives twice is recognised as one (RFC 5322 3.6.4).
    message_id: Mapped[str] = mapped_column(String(160), unique=True)
    address_digest: Mapped[str | None] = mapped_column(String(64))  # keyed; of the address last tried
    state: Mapped[LetterState] = mapped_column(choice(LetterState), default=LetterState.QUEUED)
    reason: Mapped[Reason | None] = mapped_column(choice(Reason))
    code: Mapped[str] = mapped_column(String(20), default="")  # the server's status: 550 5.1.1
    attempts: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    put_aside_at: Mapped[datetime | None]  # someone has seen that it did not arrive


class BadAddress(Model):
    """An address that takes no letters, by a keyed digest. Another address is another digest."""

    __tablename__ = "bad_address"
    __table_args__ = (UniqueConstraint("practice_id", "digest"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    digest: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime]
