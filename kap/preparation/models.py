from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.db import Model
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed

_UNFINISHED = "done_at IS NULL AND withdrawn_at IS NULL"


class GuideText(Model):
    """One version of a guide, word for word: as a practice published it, or as it shipped when it was given.

    Never changed once it is there.
    """

    __tablename__ = "guide_text"
    __table_args__ = (UniqueConstraint("practice_id", "slug", "digest"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    slug: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of `source`
    source: Mapped[str] = mapped_column(Text)  # Markdown with front matter: see kap.content.guides
    note: Mapped[str] = mapped_column(String(300), default="")  # what is new in it, in its writer's words
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))


class PracticeGuide(Model):
    """A guide that a practice wrote, or one that ships and that it no longer gives to anyone."""

    __tablename__ = "practice_guide"
    __table_args__ = (UniqueConstraint("practice_id", "slug"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    slug: Mapped[str] = mapped_column(String(60))
    copied_from: Mapped[str] = mapped_column(String(60), default="")  # slug of the guide it began as
    draft: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # being written: see kap.content.drafts
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)  # raised whenever the draft changes

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


class Assignment(Model):
    """A guide given to a patient, with a day it is due and a line of the therapist's own."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index("ix_assignment_patient_due", "patient_id", "due_on"),
        # A guide that waits to be done is given once, however often the button is pressed.
        Index(
            "uq_assignment_unfinished",
            "patient_id",
            "guide",
            unique=True,
            sqlite_where=text(_UNFINISHED),
            postgresql_where=text(_UNFINISHED),
        ),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    guide: Mapped[str] = mapped_column(String(60))  # its slug
    guide_version: Mapped[int]
    # The text as it was given; None for what was given before texts were kept.
    text_id: Mapped[UUID | None] = mapped_column(ForeignKey("guide_text.id"))
    earlier_texts: Mapped[list[str]] = mapped_column(JSON, default=list)  # ids of those it had before
    moved_at: Mapped[datetime | None]  # when it was last moved to a newer text
    due_on: Mapped[date | None]  # a day on the practice's calendar
    opens_on: Mapped[date | None]  # the patient does not see it before this day; None: at once
    line_sealed: Mapped[bytes | None]
    assigned_at: Mapped[datetime]
    assigned_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    opened_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    patient: Mapped[Patient] = relationship()
    given_text: Mapped[GuideText | None] = relationship()
    answers: Mapped[list["Answer"]] = relationship(cascade="all, delete-orphan", back_populates="assignment")
    ticks: Mapped[list["Tick"]] = relationship(cascade="all, delete-orphan", back_populates="assignment")
    line: Sealed[str | None] = Sealed("line_sealed")

    def sealing_key(self) -> DataKey:
        return self.patient.data_key


class Tick(Model):
    """A checklist item done, or a statement confirmed.

    A row of its own, so that two tabs ticking different items never collide.
    """

    __tablename__ = "tick"
    __table_args__ = (UniqueConstraint("assignment_id", "item"),)

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"))
    item: Mapped[str] = mapped_column(String(60))  # the item's key in the guide
    ticked_at: Mapped[datetime]
    wording: Mapped[str | None] = mapped_column(String(16))  # which wording of a statement was confirmed

    assignment: Mapped[Assignment] = relationship(back_populates="ticks")


class Answer(Model):
    """What a patient wrote to a question in a guide, for themselves and the care team."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("assignment_id", "item"),)

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"))
    item: Mapped[str] = mapped_column(String(60))  # the question's key in the guide
    words_sealed: Mapped[bytes]
    written_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    assignment: Mapped[Assignment] = relationship(back_populates="answers")
    words: Sealed[str] = Sealed("words_sealed")

    def sealing_key(self) -> DataKey:
        return self.assignment.patient.data_key
