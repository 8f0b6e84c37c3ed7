from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.db import Model, choice
from kap.patients.models import Patient
from kap.preparation.models import Assignment
from kap.programmes.rules import Verdict
from kap.sealed import DataKey, Sealed

_CURRENT = "ended_at IS NULL"
_OF_A_SESSION, _OF_NONE = "session_id IS NOT NULL", "session_id IS NULL"


class PracticeProgramme(Model):
    """A programme that a practice wrote, or one that ships and that it no longer gives to anyone."""

    __tablename__ = "practice_programme"
    __table_args__ = (UniqueConstraint("practice_id", "slug"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    slug: Mapped[str] = mapped_column(String(60))
    copied_from: Mapped[str] = mapped_column(String(60), default="")  # slug of the programme it began as
    # None for one that ships: see `kap.content.programmes.Programme.definition`.
    definition: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)  # raised whenever the definition changes

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


class ProgrammeText(Model):
    """One version of a programme as it was given, step for step. Never changed once it is there."""

    __tablename__ = "programme_text"
    __table_args__ = (UniqueConstraint("practice_id", "slug", "digest"),)

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    slug: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the definition
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_at: Mapped[datetime]


class GivenProgramme(Model):
    """A programme that a patient was given. On which days its steps come is not kept: the sessions say it."""

    __tablename__ = "given_programme"
    __table_args__ = (
        Index("ix_given_programme_patient_given", "patient_id", "given_at"),
        # The same programme runs once, however often the button is pressed.
        Index(
            "uq_given_programme_current",
            "patient_id",
            "slug",
            unique=True,
            sqlite_where=text(_CURRENT),
            postgresql_where=text(_CURRENT),
        ),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    slug: Mapped[str] = mapped_column(String(60))
    text_id: Mapped[UUID] = mapped_column(ForeignKey("programme_text.id"))
    starts_on: Mapped[date]  # sessions count from this day of the practice's calendar
    given_at: Mapped[datetime]
    given_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    ended_at: Mapped[datetime | None]  # taken back
    ended_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))

    patient: Mapped[Patient] = relationship()
    given_text: Mapped[ProgrammeText] = relationship()


class StepMark(Model):
    """What someone decided about one step: done, or skipped with a reason.

    Of a step that comes at each session it belongs to a session and goes with it, wherever that is moved.
    """

    __tablename__ = "step_mark"
    __table_args__ = (
        Index(
            "uq_step_mark_of_session",
            "given_id",
            "number",
            "session_id",
            unique=True,
            sqlite_where=text(_OF_A_SESSION),
            postgresql_where=text(_OF_A_SESSION),
        ),
        Index(
            "uq_step_mark_once",
            "given_id",
            "number",
            unique=True,
            sqlite_where=text(_OF_NONE),
            postgresql_where=text(_OF_NONE),
        ),
    )

    given_id: Mapped[UUID] = mapped_column(ForeignKey("given_programme.id", ondelete="CASCADE"))
    number: Mapped[int]  # of the step, from 1, in the text that was given
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("dosing_session.id", ondelete="CASCADE"))
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict))
    reason_sealed: Mapped[bytes | None]
    at: Mapped[datetime]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))

    given: Mapped[GivenProgramme] = relationship()
    reason: Sealed[str | None] = Sealed("reason_sealed")

    def sealing_key(self) -> DataKey:
        return self.given.patient.data_key


class ProgrammeGuide(Model):
    """A guide that a programme gave; its due day follows the sessions. `held_back_at`: taken back by Kap
    because the day is open again or the step was skipped, before the patient opened it."""

    __tablename__ = "programme_guide"
    __table_args__ = (UniqueConstraint("given_id", "assignment_id"),)

    given_id: Mapped[UUID] = mapped_column(ForeignKey("given_programme.id", ondelete="CASCADE"))
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"))
    held_back_at: Mapped[datetime | None]

    assignment: Mapped[Assignment] = relationship()
