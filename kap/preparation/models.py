from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.db import Model
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed

_UNFINISHED = "done_at IS NULL AND withdrawn_at IS NULL"


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
    guide: Mapped[str] = mapped_column(String(60))  # slug of a file in templates/guides/
    guide_version: Mapped[int]
    due_on: Mapped[date | None]  # a day on the practice's calendar
    line_sealed: Mapped[bytes | None]
    assigned_at: Mapped[datetime]
    assigned_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    opened_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    patient: Mapped[Patient] = relationship()
    ticks: Mapped[list["Tick"]] = relationship(cascade="all, delete-orphan", back_populates="assignment")
    line: Sealed[str | None] = Sealed("line_sealed")

    def sealing_key(self) -> DataKey:
        return self.patient.data_key


class Tick(Model):
    """A checklist item done. A row of its own, so that two tabs ticking different items never collide."""

    __tablename__ = "tick"
    __table_args__ = (UniqueConstraint("assignment_id", "item"),)

    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"))
    item: Mapped[str] = mapped_column(String(60))  # the item's key in the guide
    ticked_at: Mapped[datetime]

    assignment: Mapped[Assignment] = relationship(back_populates="ticks")
