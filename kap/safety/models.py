from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import User
from kap.db import Model
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed


class SafetyPlan(Model):
    """What helps a patient in a crisis. One per patient, written by them and their care team together."""

    __tablename__ = "safety_plan"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), unique=True)
    words_sealed: Mapped[bytes]
    written_at: Mapped[datetime]
    written_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    patient: Mapped[Patient] = relationship()
    written_by: Mapped[User] = relationship()
    words: Sealed[dict[str, str]] = Sealed("words_sealed")  # by kap.safety.rules.Part

    def sealing_key(self) -> DataKey:
        return self.patient.data_key


class SafetyTalk(Model):
    """That a therapist and the patient went through the plan together, with the plan as it was then.

    Never changed once it is there.
    """

    __tablename__ = "safety_talk"
    __table_args__ = (Index("ix_safety_talk_patient_at", "patient_id", "at"),)

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    therapist_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    plan_version: Mapped[int]
    words_sealed: Mapped[bytes]

    patient: Mapped[Patient] = relationship()
    therapist: Mapped[User] = relationship()
    words: Sealed[dict[str, str]] = Sealed("words_sealed")

    def sealing_key(self) -> DataKey:
        return self.patient.data_key
