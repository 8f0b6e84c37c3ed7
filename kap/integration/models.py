from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed
from kap.sessions.models import DosingSession


class JournalEntry(Model):
    """A patient's own writing. Private unless `shared_at` is set; nobody else may list, count or date it."""

    __tablename__ = "journal_entry"
    __table_args__ = (Index("ix_journal_entry_patient_made", "patient_id", "made_at"),)

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("dosing_session.id", ondelete="SET NULL"))
    text_sealed: Mapped[bytes]
    mood_before_sealed: Mapped[bytes | None]  # 0 heavy to 10 light
    mood_after_sealed: Mapped[bytes | None]
    made_at: Mapped[datetime]
    edited_at: Mapped[datetime]
    shared_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    # Counted by hand: sharing must not make a page that is open for writing look overwritten.
    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        "version_id_col": version,
        "version_id_generator": False,
    }

    patient: Mapped[Patient] = relationship()
    session: Mapped[DosingSession | None] = relationship()
    comments: Mapped[list["Comment"]] = relationship(
        order_by="Comment.at", cascade="all, delete-orphan", back_populates="entry"
    )
    text: Sealed[str] = Sealed("text_sealed")
    mood_before: Sealed[int | None] = Sealed("mood_before_sealed")
    mood_after: Sealed[int | None] = Sealed("mood_after_sealed")

    def sealing_key(self) -> DataKey:
        return self.patient.data_key


class Comment(Model):
    """A line under a shared entry, by the care team or the patient."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_entry_at", "entry_id", "at"),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    text_sealed: Mapped[bytes]

    entry: Mapped[JournalEntry] = relationship(back_populates="comments")
    author: Mapped[User] = relationship()
    text: Sealed[str] = Sealed("text_sealed")

    def sealing_key(self) -> DataKey:
        return self.entry.patient.data_key
