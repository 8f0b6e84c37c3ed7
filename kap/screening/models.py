from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model
from kap.patients.models import Patient
from kap.screening.said import Judged, Said
from kap.sealed import DataKey, Sealed


class ScreeningAnswers(Model):
    """A patient's questionnaire. One per patient, changed freely; a review keeps the answers it saw."""

    __tablename__ = "screening_answers"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), unique=True)
    said_sealed: Mapped[bytes]
    changed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]  # when the patient last said that it is complete
    version: Mapped[int] = mapped_column()  # of what is said; saying that it is complete does not raise it

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    patient: Mapped[Patient] = relationship()
    said_row: Sealed[dict[str, Any]] = Sealed("said_sealed")  # see `kap.screening.said.Said`

    @property
    def said(self) -> Said:
        return Said.from_dict(self.said_row)

    @property
    def is_finished(self) -> bool:
        """Whether the patient said that it is complete, and has changed nothing since."""
        return self.finished_at is not None and self.finished_at >= self.changed_at

    def sealing_key(self) -> DataKey:
        return self.patient.data_key


class ScreeningReview(Model):
    """A clinician's review over the answers: being written until it is recorded, then never changed."""

    __tablename__ = "screening_review"
    # The versions of one patient's reviews go on from one to the next, so whoever writes from an older page,
    # be it of a review that was recorded meanwhile, is noticed; and two beginnings collide.
    __table_args__ = (UniqueConstraint("patient_id", "version"),)

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    judged_sealed: Mapped[bytes]
    begun_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime | None]
    recorded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    answers_version: Mapped[int]  # of the answers the reviewer last looked at; 0 without any
    seen_sealed: Mapped[bytes | None]  # those answers
    catalogue_version: Mapped[int]
    titles: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # what each factor was called then
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    patient: Mapped[Patient] = relationship()
    changed_by: Mapped[User] = relationship(foreign_keys=[changed_by_id])
    recorded_by: Mapped[User | None] = relationship(foreign_keys=[recorded_by_id])
    judged_row: Sealed[dict[str, Any]] = Sealed("judged_sealed")  # see `kap.screening.said.Judged`
    seen_row: Sealed[dict[str, Any] | None] = Sealed("seen_sealed")

    @property
    def judged(self) -> Judged:
        return Judged.from_dict(self.judged_row)

    @property
    def seen(self) -> Said:
        """The answers as the reviewer last saw them."""
        return Said.from_dict(self.seen_row) if self.seen_row else Said()

    def sealing_key(self) -> DataKey:
        return self.patient.data_key
