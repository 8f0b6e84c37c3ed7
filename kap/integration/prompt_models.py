from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kap.accounts.models import Practice, User
from kap.db import Model
from kap.patients.models import Patient
from kap.sealed import DataKey, Sealed


class OwnPrompt(Model):
    """A question for the journal that a therapist wrote, for one patient or for everyone of the practice."""

    __tablename__ = "own_prompt"
    __table_args__ = (
        Index("ix_own_prompt_practice", "practice_id"),
        Index("ix_own_prompt_patient", "patient_id"),
    )

    practice_id: Mapped[UUID] = mapped_column(ForeignKey("practice.id"))
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    moment: Mapped[str] = mapped_column(String(20))  # `when` of a set in templates/prompts
    text_sealed: Mapped[bytes]
    made_at: Mapped[datetime]
    made_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it from the class

    practice: Mapped[Practice] = relationship()
    patient: Mapped[Patient | None] = relationship()
    made_by: Mapped[User] = relationship()
    text: Sealed[str] = Sealed("text_sealed")

    def sealing_key(self) -> DataKey:
        return self.practice.identity_key if self.patient is None else self.patient.data_key


class PromptChoices(Model):
    """Which questions a patient wants to see. Sealed as a whole, and no page of the staff's asks for it."""

    __tablename__ = "prompt_choices"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), unique=True)
    choices_sealed: Mapped[bytes]

    patient: Mapped[Patient] = relationship()
    choices: Sealed[dict[str, Any]] = Sealed("choices_sealed")  # see prompt_rules.Choices

    def sealing_key(self) -> DataKey:
        return self.patient.data_key
